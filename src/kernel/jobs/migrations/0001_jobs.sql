-- The hot table: only what waits or runs. What ends moves to finished_jobs.
CREATE TABLE jobs (
  id uuid PRIMARY KEY,
  project_id uuid,
  created_by uuid,
  task text NOT NULL,
  -- 0 urgent, 1 high, 2 normal, 3 low.
  lane smallint NOT NULL CHECK (lane BETWEEN 0 AND 3),
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running')),
  input jsonb NOT NULL,
  -- With task and project written in front, so that no one meets another's key.
  unique_key text,
  run_at timestamptz NOT NULL,
  timeout_ms integer NOT NULL CHECK (timeout_ms > 0),
  max_attempts integer NOT NULL CHECK (max_attempts > 0),
  -- Times it was taken; with id it is the fence of all that a worker writes.
  attempt integer NOT NULL DEFAULT 0,
  -- Of these, the ones that do not count against max_attempts: handed back, or cut off by a crash.
  uncounted integer NOT NULL DEFAULT 0,
  interruptions integer NOT NULL DEFAULT 0,
  -- One {at, attempt, code, message, detail} a failure.
  errors jsonb NOT NULL DEFAULT '[]',
  worker_id uuid,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Of the latest attempt.
  started_at timestamptz
) WITH (
  -- Rows live for seconds: vacuum by number of dead ones, whatever the size of the table, and without pauses.
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 20000
);
CREATE INDEX jobs_claim ON jobs (lane, run_at, id) WHERE state = 'waiting';
CREATE INDEX jobs_running ON jobs (worker_id) WHERE state = 'running';
-- Of one key at most one waits for its first attempt, and at most one has begun (it runs, or waits to be tried again).
CREATE UNIQUE INDEX jobs_unique_waiting ON jobs (unique_key) WHERE unique_key IS NOT NULL AND attempt = 0;
CREATE UNIQUE INDEX jobs_unique_begun ON jobs (unique_key) WHERE unique_key IS NOT NULL AND attempt > 0;

CREATE TABLE finished_jobs (
  id uuid NOT NULL,
  project_id uuid,
  created_by uuid,
  task text NOT NULL,
  lane smallint NOT NULL,
  status text NOT NULL CHECK (status IN ('succeeded', 'failed', 'cancelled')),
  input jsonb NOT NULL,
  unique_key text,
  run_at timestamptz NOT NULL,
  timeout_ms integer NOT NULL,
  max_attempts integer NOT NULL,
  -- Attempts that counted.
  attempt integer NOT NULL,
  interruptions integer NOT NULL,
  errors jsonb NOT NULL,
  progress jsonb,
  result jsonb,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz NOT NULL,
  PRIMARY KEY (id, finished_at)
) PARTITION BY RANGE (finished_at);
CREATE INDEX finished_jobs_project ON finished_jobs (project_id, finished_at);
-- The dead letters.
CREATE INDEX finished_jobs_failed ON finished_jobs (project_id, finished_at) WHERE status = 'failed';
CREATE TABLE finished_jobs_default PARTITION OF finished_jobs DEFAULT;

-- Written often, read seldom, worth nothing after a crash.
CREATE UNLOGGED TABLE job_progress (
  job_id uuid PRIMARY KEY,
  attempt integer NOT NULL,
  done float8 NOT NULL,
  total float8,
  message text
) WITH (fillfactor = 50);

CREATE TABLE job_workers (
  id uuid PRIMARY KEY,
  host text NOT NULL,
  pid integer NOT NULL,
  roles text[] NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  beat_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
