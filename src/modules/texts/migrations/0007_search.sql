-- Where each term stands in its documents; format in word-index/positions.ts. Null where only counts are kept.
ALTER TABLE text_postings ADD COLUMN positions bytea;
ALTER TABLE text_postings ALTER COLUMN positions SET STORAGE EXTERNAL;

-- ISO 639-1, as it was given or recognised; 'und' where none was recognised, null while it waits.
ALTER TABLE paragraphs ADD COLUMN lang text;

-- Words that are not their own stem, by language of the documents they occur in: a query word becomes all words of its stem.
CREATE TABLE text_stems (
  project_id uuid NOT NULL,
  lang text COLLATE "C" NOT NULL,
  stem text COLLATE "C" NOT NULL,
  word text COLLATE "C" NOT NULL,
  PRIMARY KEY (project_id, lang, stem, word)
);
