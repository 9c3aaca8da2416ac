-- API keys of a project. The key itself is nowhere: it has so much chance in it that a plain hash says nothing of it.
CREATE TABLE api_keys (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  name text NOT NULL,
  -- The first characters, so that people know which one it is.
  hint text NOT NULL,
  -- SHA-256 of the whole key.
  hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  scopes text[] NOT NULL,
  -- For whom it acts.
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Null: it does not end by itself.
  expires_at timestamptz,
  -- True to the minute.
  last_used_at timestamptz
);
CREATE INDEX api_keys_of_project ON api_keys (project_id, id);

-- Counts what has ended keys, in the transactions that did: whoever remembers a key looks whether it has moved.
CREATE TABLE api_key_endings (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  n bigint NOT NULL DEFAULT 0
);
INSERT INTO api_key_endings DEFAULT VALUES;
