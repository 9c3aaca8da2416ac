-- Tasks that people want run again and again, by a cron expression in a time zone.
CREATE TABLE job_schedules (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  created_by uuid NOT NULL,
  task text NOT NULL,
  input jsonb NOT NULL,
  priority text,
  cron text NOT NULL,
  time_zone text NOT NULL,
  -- What to do about a time at which no server was there: 'run_once' as soon as one is, or 'skip' it.
  missed text NOT NULL CHECK (missed IN ('run_once', 'skip')),
  is_active boolean NOT NULL DEFAULT true,
  -- NULL: its expression has no further time.
  next_at timestamptz,
  last_at timestamptz,
  last_job_id uuid,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX job_schedules_project ON job_schedules (project_id, id);
CREATE INDEX job_schedules_due ON job_schedules (next_at) WHERE is_active;
