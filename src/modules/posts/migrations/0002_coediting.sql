-- Posts whose body people write at the same time: the document is the coedit module's, the body follows it.
ALTER TABLE posts
  -- There is a document: a new body is a change of it.
  ADD COLUMN is_coedited boolean NOT NULL DEFAULT false,
  -- The version is still being written: how often it was saved. Null once it is complete.
  ADD COLUMN draft integer,
  -- All who wrote this version, where it was not its author alone.
  ADD COLUMN editors uuid[];
ALTER TABLE post_versions ADD COLUMN editors uuid[];
