-- Stored files: what is known of each. Its bytes lie in the data directory under its id.
CREATE TABLE files (
  project_id uuid NOT NULL,
  id uuid PRIMARY KEY,
  -- Who sent it, or for whom a job made it.
  owner_id uuid NOT NULL,
  -- Of the job that made it: it has one file at most.
  job_id uuid,
  name text NOT NULL,
  content_type text NOT NULL,
  size bigint NOT NULL CHECK (size >= 0),
  sha256 bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Set: not there from then on, and erased soon after.
  expires_at timestamptz
);
CREATE INDEX files_by_project ON files (project_id, id);
CREATE INDEX files_by_job ON files (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX files_by_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;

-- What the files of a project hold together, so that its bound is exact without adding them up. Locked by whoever adds.
CREATE TABLE file_totals (
  project_id uuid PRIMARY KEY,
  bytes bigint NOT NULL
) WITH (fillfactor = 50);

-- Which database the bytes belong to: beside another's, all of them would seem to be strays.
CREATE TABLE file_store (id uuid NOT NULL);
INSERT INTO file_store VALUES (gen_random_uuid());
