-- Documents that people write at the same time: where each stands, its state as of some number, and every change after it.
CREATE TABLE coedit_documents (
  project_id uuid NOT NULL,
  post_id uuid PRIMARY KEY,
  -- Of the newest change; 1, 2, 3 … in the order of the commits.
  head_seq bigint NOT NULL DEFAULT 0,
  -- Bytes and number of the changes that the snapshot does not hold yet.
  log_bytes bigint NOT NULL DEFAULT 0,
  log_count integer NOT NULL DEFAULT 0,
  -- The post's body says what the document said at this number.
  followed_seq bigint NOT NULL DEFAULT 0,
  -- An editing session: from the first change to the version that is made of it. Null while nobody edits.
  session_since timestamptz,
  edited_at timestamptz,
  edited_by uuid,
  editors uuid[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);
CREATE INDEX coedit_documents_by_project ON coedit_documents (project_id);

CREATE TABLE coedit_snapshots (
  project_id uuid NOT NULL,
  post_id uuid PRIMARY KEY REFERENCES coedit_documents (post_id) ON DELETE CASCADE,
  seq bigint NOT NULL,
  -- The document as one Yjs update of the second encoding.
  state bytea NOT NULL
);
CREATE INDEX coedit_snapshots_by_project ON coedit_snapshots (project_id);

CREATE TABLE coedit_changes (
  project_id uuid NOT NULL,
  post_id uuid NOT NULL REFERENCES coedit_documents (post_id) ON DELETE CASCADE,
  seq bigint NOT NULL,
  -- A Yjs update of the first encoding, as it goes over the wire.
  change bytea NOT NULL,
  PRIMARY KEY (post_id, seq)
);
CREATE INDEX coedit_changes_by_project ON coedit_changes (project_id);
