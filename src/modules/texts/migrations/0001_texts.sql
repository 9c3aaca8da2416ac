-- Paragraphs. Ids are UUIDv7: their order is that of creation, and the time of creation is read from them.
CREATE TABLE paragraphs (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  author_id uuid NOT NULL,
  -- Of the post it is a part of, if any.
  post_id uuid,
  content text NOT NULL,
  -- UTF-16 code units of the content, so that batches can be bounded without reading it.
  length integer NOT NULL CHECK (length > 0),
  -- Null until it is analysed. The number counts up within the project in the order of analysis.
  doc integer,
  word_count integer,
  tokenizer_version integer
);
CREATE INDEX paragraphs_by_project ON paragraphs (project_id, id);
CREATE INDEX paragraphs_by_author ON paragraphs (project_id, author_id, id);
CREATE INDEX paragraphs_pending ON paragraphs (project_id, id) WHERE doc IS NULL;
CREATE UNIQUE INDEX paragraphs_by_doc ON paragraphs (project_id, doc) WHERE doc IS NOT NULL;

-- The word index of a project (word-index/). Its row is locked by whatever changes the index, to the end of the transaction.
CREATE TABLE text_indexes (
  project_id uuid PRIMARY KEY,
  next_doc integer NOT NULL DEFAULT 0,
  -- Documents below it are in segments; the others, the tail, are read from their text.
  folded_doc integer NOT NULL DEFAULT 0,
  -- Text of the tail in UTF-16 code units, deleted ones included.
  tail_units bigint NOT NULL DEFAULT 0,
  next_segment integer NOT NULL DEFAULT 1,
  -- Of the analysed paragraphs that are still there.
  document_count integer NOT NULL DEFAULT 0,
  occurrence_count bigint NOT NULL DEFAULT 0,
  -- Number of the newest tombstone, and how many there are.
  tombstone_seq integer NOT NULL DEFAULT 0,
  tombstone_count integer NOT NULL DEFAULT 0,
  -- Lower than the program's: to be made anew.
  tokenizer_version integer NOT NULL
) WITH (fillfactor = 50);

-- A segment: the postings of a range of documents. Never changed once written, only replaced.
CREATE TABLE text_segments (
  project_id uuid NOT NULL,
  segment integer NOT NULL,
  first_doc integer NOT NULL,
  last_doc integer NOT NULL,
  documents integer NOT NULL,
  -- Numbers, lengths, dates and authors of the documents; format in word-index/documents.ts.
  document_data bytea NOT NULL,
  -- False while a rebuild makes it.
  is_live boolean NOT NULL,
  PRIMARY KEY (project_id, segment)
);
ALTER TABLE text_segments ALTER COLUMN document_data SET STORAGE EXTERNAL;

-- One word in one segment. By segment first: a segment is written and dropped as one range.
CREATE TABLE text_postings (
  project_id uuid NOT NULL,
  segment integer NOT NULL,
  word text COLLATE "C" NOT NULL,
  documents integer NOT NULL,
  occurrences bigint NOT NULL,
  -- Format in word-index/postings.ts.
  postings bytea NOT NULL,
  PRIMARY KEY (project_id, segment, word)
);
ALTER TABLE text_postings ALTER COLUMN postings SET STORAGE EXTERNAL;

-- Totals of the documents in segments; a reader adds the tail.
CREATE TABLE text_words (
  project_id uuid NOT NULL,
  word text COLLATE "C" NOT NULL,
  documents integer NOT NULL,
  occurrences bigint NOT NULL,
  PRIMARY KEY (project_id, word)
) WITH (fillfactor = 80);

-- Analysed documents that were deleted and may still be in a segment or in the memory of a reader.
CREATE TABLE text_tombstones (
  project_id uuid NOT NULL,
  seq integer NOT NULL,
  doc integer NOT NULL,
  PRIMARY KEY (project_id, seq)
);
