-- Finds the most frequent words of a project without reading all of its words. The order of counts in steps of a fifth, exact up to
-- 16: a count that grows within its step leaves the index alone, so that folding stays as cheap as it was. An index of the counts
-- themselves would be written with every fold for every word.
CREATE FUNCTION texts_magnitude(p_occurrences bigint) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p_occurrences <= 16 THEN greatest(p_occurrences, 0)::smallint
  ELSE (17 + floor(4 * ln(p_occurrences / 16.0::float8) / ln(2.0::float8)))::smallint
END;
ALTER TABLE text_words ADD COLUMN magnitude smallint NOT NULL GENERATED ALWAYS AS (texts_magnitude(occurrences)) STORED;
CREATE INDEX text_words_by_magnitude ON text_words (project_id, magnitude DESC, word);
