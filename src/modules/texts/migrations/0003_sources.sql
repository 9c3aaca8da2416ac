-- Paragraphs that were fetched from an address: fetching it again stores only what is new there.
CREATE TABLE text_sources (
  project_id uuid NOT NULL,
  -- SHA-256 of the address.
  url_hash bytea NOT NULL,
  -- SHA-256 of the text, and of how often it stood there before.
  content_hash bytea NOT NULL,
  paragraph_id uuid NOT NULL REFERENCES paragraphs (id) ON DELETE CASCADE,
  url text NOT NULL,
  fetched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (project_id, url_hash, content_hash)
);
CREATE INDEX text_sources_by_paragraph ON text_sources (paragraph_id);
