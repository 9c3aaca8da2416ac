-- A segment's words in blocks of neighbours: a row for each word was mostly the row itself, on disk as in the time to write it.
CREATE TABLE text_blocks (
  project_id uuid NOT NULL,
  segment integer NOT NULL,
  -- Its words are from this one on up to the next block's first.
  first_word text COLLATE "C" NOT NULL,
  -- Formats in word-index/blocks.ts.
  data bytea NOT NULL,
  positions bytea,
  PRIMARY KEY (project_id, segment, first_word)
);
ALTER TABLE text_blocks ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE text_blocks ALTER COLUMN positions SET STORAGE EXTERNAL;

-- What there is becomes blocks of one word each, which the next merge puts together.
CREATE FUNCTION texts_varint(p_value bigint) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_bytes bytea := '';
  v_rest bigint := p_value;
BEGIN
  WHILE v_rest > 127 LOOP
    v_bytes := v_bytes || set_byte('\x00'::bytea, 0, (v_rest % 128 + 128)::integer);
    v_rest := v_rest / 128;
  END LOOP;
  RETURN v_bytes || set_byte('\x00'::bytea, 0, v_rest::integer);
END $$;
INSERT INTO text_blocks (project_id, segment, first_word, data, positions)
SELECT project_id, segment, word,
  '\x0100'::bytea || texts_varint(octet_length(word)) || convert_to(word, 'UTF8')
    || texts_varint(documents::bigint * 4 + CASE WHEN occurrences = documents THEN 2 ELSE 0 END + (positions IS NOT NULL)::integer)
    || CASE WHEN occurrences = documents THEN ''::bytea ELSE texts_varint(occurrences - documents) END
    || CASE WHEN occurrences = 1 THEN ''::bytea
       ELSE texts_varint(octet_length(postings) - 1)
         || CASE WHEN positions IS NULL THEN ''::bytea ELSE texts_varint(octet_length(positions) - 1) END END
    -- Behind the byte of their version.
    || substr(postings, 2),
  substr(positions, 2)
FROM text_postings;
DROP FUNCTION texts_varint;
DROP TABLE text_postings;

-- The words of each stem stand among those of a segment: each index is made anew, while what it has answers.
DROP TABLE text_stems;
UPDATE text_indexes SET tokenizer_version = 0;

-- The same columns in the order in which nothing is lost between them. Less room is kept free in the pages: most words of a language
-- are rare, and counted once.
CREATE TABLE text_totals (
  project_id uuid NOT NULL,
  occurrences bigint NOT NULL,
  documents integer NOT NULL,
  magnitude smallint NOT NULL GENERATED ALWAYS AS (texts_magnitude(occurrences)) STORED,
  word text COLLATE "C" NOT NULL
) WITH (fillfactor = 90);
INSERT INTO text_totals (project_id, occurrences, documents, word)
SELECT project_id, occurrences, documents, word FROM text_words ORDER BY project_id, word;
DROP TABLE text_words;
ALTER TABLE text_totals RENAME TO text_words;
ALTER TABLE text_words ADD PRIMARY KEY (project_id, word);
CREATE INDEX text_words_by_magnitude ON text_words (project_id, magnitude DESC) WHERE magnitude > 0;
