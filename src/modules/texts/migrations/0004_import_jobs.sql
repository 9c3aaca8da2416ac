-- How far an import that runs as a job has come: written with each batch, so that a run after a crash goes on behind it.
CREATE TABLE text_imports (
  project_id uuid NOT NULL,
  job_id uuid NOT NULL,
  -- Paragraphs and rejections of the file that are done with, in its order.
  pieces bigint NOT NULL,
  -- SHA-256 of those pieces: a run that reads others would leave out or double what it does not know.
  digest bytea NOT NULL,
  accepted bigint NOT NULL,
  rejected_count bigint NOT NULL,
  -- The first of them.
  rejected jsonb NOT NULL,
  -- Of the analysis that the last batch waits for.
  analysis_job_id uuid NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (project_id, job_id)
);
CREATE INDEX text_imports_by_age ON text_imports (updated_at);
