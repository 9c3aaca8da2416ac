-- What a project's calls to services of its users are signed with. The current one has no end; those before it hold a while longer.
CREATE TABLE signing_secrets (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  -- Sealed under SECRET_KEY for this project.
  secret bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz
);
CREATE UNIQUE INDEX signing_secrets_current ON signing_secrets (project_id) WHERE expires_at IS NULL;
CREATE INDEX signing_secrets_by_project ON signing_secrets (project_id, id);
