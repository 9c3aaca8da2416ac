-- Finds the most frequent words of a project without reading all of its words. Steps of counts, two for each doubling, from 64 on:
-- a count that grows within its step leaves the index alone, and rare words, which most are, never enter it, so that folding stays as
-- cheap as it was. An index of the counts themselves would be written with every fold for every word.
CREATE FUNCTION texts_magnitude(p_occurrences bigint) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN p_occurrences < 64 THEN 0::smallint
  ELSE (1 + floor(2 * ln(p_occurrences / 64.0::float8) / ln(2.0::float8)))::smallint
END;
ALTER TABLE text_words ADD COLUMN magnitude smallint NOT NULL GENERATED ALWAYS AS (texts_magnitude(occurrences)) STORED;
CREATE INDEX text_words_by_magnitude ON text_words (project_id, magnitude DESC) WHERE magnitude > 0;
