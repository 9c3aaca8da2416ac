-- Jobs that people run: cancelled, retried, announced in their project's log, with lines of their own.
ALTER TABLE jobs ADD COLUMN for_user boolean NOT NULL DEFAULT false;
ALTER TABLE finished_jobs
  ADD COLUMN for_user boolean NOT NULL DEFAULT false,
  -- Times it was taken, where `attempt` are those that counted: a job that is run again goes on counting, so that nobody
  -- who had it before passes its fence.
  ADD COLUMN taken integer NOT NULL DEFAULT 0;
-- Limits on how many jobs run at once, of a task or of a project's people. A job under a limit is parked, where no worker sees
-- it, until there is room: so what waits in the lanes can always run, and a claim never reads past those that can't.
ALTER TABLE jobs DROP CONSTRAINT jobs_state_check;
ALTER TABLE jobs
  ADD CONSTRAINT jobs_state_check CHECK (state IN ('parked', 'waiting', 'running')),
  ADD COLUMN task_max integer CHECK (task_max > 0),
  ADD COLUMN project_max integer CHECK (project_max > 0);
CREATE INDEX jobs_parked_task ON jobs (task, lane, run_at, id) WHERE state = 'parked';
CREATE INDEX jobs_parked_project ON jobs (project_id, lane, run_at, id) WHERE state = 'parked';
CREATE INDEX jobs_admitted_task ON jobs (task) WHERE task_max IS NOT NULL AND state <> 'parked';
CREATE INDEX jobs_admitted_project ON jobs (project_id) WHERE project_max IS NOT NULL AND state <> 'parked';

-- What a worker can do at once, for estimates.
ALTER TABLE job_workers
  ADD COLUMN slots integer NOT NULL DEFAULT 0,
  ADD COLUMN lanes smallint[] NOT NULL DEFAULT '{0,1,2,3}';

-- Lists go by id, which is the order of creation.
CREATE INDEX jobs_project ON jobs (project_id, id) WHERE project_id IS NOT NULL;
CREATE INDEX finished_jobs_list ON finished_jobs (project_id, id) WHERE project_id IS NOT NULL;
DROP INDEX finished_jobs_project;
-- The dead letters are those of people: the server's own failures are in its log.
DROP INDEX finished_jobs_failed;
CREATE INDEX finished_jobs_dead ON finished_jobs (project_id, id) WHERE status = 'failed' AND for_user;

-- Wishes that running jobs end. Not a column of theirs: a handler's open transaction would keep it from being written.
CREATE TABLE job_cancellations (
  job_id uuid PRIMARY KEY,
  asked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE SEQUENCE job_log_numbers;
CREATE TABLE job_log_lines (
  job_id uuid NOT NULL,
  n bigint NOT NULL DEFAULT nextval('job_log_numbers'),
  at timestamptz NOT NULL,
  attempt integer NOT NULL,
  level text NOT NULL CHECK (level IN ('info', 'warn', 'error')),
  message text NOT NULL,
  PRIMARY KEY (job_id, n, at)
) PARTITION BY RANGE (at);
CREATE TABLE job_log_lines_default PARTITION OF job_log_lines DEFAULT;

-- How long attempts have taken lately, by task and by lane: each new figure moves the mean by a fifth.
CREATE TABLE job_paces (
  subject text PRIMARY KEY,
  run_ms float8 NOT NULL
) WITH (fillfactor = 50);

CREATE FUNCTION jobs_status(p_state text, p_errors jsonb, p_run_at timestamptz) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT CASE
    WHEN p_state = 'running' THEN 'running'
    WHEN p_errors <> '[]' THEN 'retrying'
    WHEN p_run_at > clock_timestamp() THEN 'scheduled'
    ELSE 'queued'
  END;
$$;

-- A UUIDv7 (RFC 9562), which PostgreSQL makes by itself only from 18 on.
CREATE FUNCTION jobs_new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid())
      PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid;
$$;

-- The end of a job that somebody ran enters its project's log, unless the log is erased by now.
CREATE FUNCTION jobs_announce(
  p_project_id uuid, p_id uuid, p_status text, p_task text, p_created_by uuid, p_error_code text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM event_heads WHERE project_id = p_project_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM events_append(p_project_id, jobs_new_id(), 'job.' || p_status, p_created_by, p_id::text,
    jsonb_build_object('task', p_task)
      || CASE WHEN p_error_code IS NULL THEN '{}' ELSE jsonb_build_object('error_code', p_error_code) END);
END $$;

-- Moves one job that is being deleted to its end, with all that hung on it, and announces it.
DROP FUNCTION jobs_bury(jobs, text, jsonb);
CREATE FUNCTION jobs_bury(j jobs, p_status text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO finished_jobs (
    id, project_id, created_by, task, lane, status, input, unique_key, run_at, timeout_ms, max_attempts, attempt,
    interruptions, errors, progress, result, created_at, started_at, finished_at, for_user, taken)
  SELECT j.id, j.project_id, j.created_by, j.task, j.lane, p_status, j.input, j.unique_key, j.run_at, j.timeout_ms,
    j.max_attempts, j.attempt - j.uncounted, j.interruptions, j.errors,
    (SELECT jsonb_build_object('done', p.done, 'total', p.total, 'message', p.message)
     FROM job_progress p WHERE p.job_id = j.id AND p.attempt = j.attempt),
    NULL, j.created_at, j.started_at, clock_timestamp(), j.for_user, j.attempt;
  DELETE FROM jobs WHERE id = j.id;
  DELETE FROM job_progress WHERE job_id = j.id;
  DELETE FROM job_cancellations WHERE job_id = j.id;
  IF j.for_user AND j.project_id IS NOT NULL THEN
    PERFORM jobs_announce(j.project_id, j.id, p_status, j.task, j.created_by,
      CASE p_status WHEN 'failed' THEN j.errors -> -1 ->> 'code' END);
  END IF;
END $$;

-- As before, and the ends of people's jobs are announced, in the order of projects so that no two wait in a ring.
CREATE OR REPLACE FUNCTION jobs_complete(p_ids uuid[], p_attempts integer[], p_results jsonb[])
RETURNS SETOF uuid LANGUAGE sql
SET enable_seqscan = off SET lock_timeout = '500ms' AS $$
  WITH done AS (
    DELETE FROM jobs j USING unnest(p_ids, p_attempts, p_results) AS d (id, attempt, result)
    WHERE j.id = d.id AND j.attempt = d.attempt AND j.state = 'running'
    RETURNING j.*, d.result),
  progress AS (
    DELETE FROM job_progress p USING done WHERE p.job_id = done.id RETURNING p.*),
  wishes AS (
    DELETE FROM job_cancellations c USING done WHERE c.job_id = done.id),
  kept AS (
    INSERT INTO finished_jobs (
      id, project_id, created_by, task, lane, status, input, unique_key, run_at, timeout_ms, max_attempts, attempt,
      interruptions, errors, progress, result, created_at, started_at, finished_at, for_user, taken)
    SELECT d.id, d.project_id, d.created_by, d.task, d.lane, 'succeeded', d.input, d.unique_key, d.run_at, d.timeout_ms,
      d.max_attempts, d.attempt - d.uncounted, d.interruptions, d.errors,
      (SELECT jsonb_build_object('done', p.done, 'total', p.total, 'message', p.message)
       FROM progress p WHERE p.job_id = d.id AND p.attempt = d.attempt),
      d.result, d.created_at, d.started_at, clock_timestamp(), d.for_user, d.attempt
    FROM done d
    RETURNING id),
  announced AS MATERIALIZED (
    SELECT jobs_announce(d.project_id, d.id, 'succeeded', d.task, d.created_by, NULL)
    FROM (SELECT * FROM done WHERE for_user AND project_id IS NOT NULL ORDER BY project_id, id) d)
  SELECT id FROM kept WHERE (SELECT count(*) FROM announced) >= 0;
$$;

-- As before; a job that somebody wants to end is not tried again.
CREATE OR REPLACE FUNCTION jobs_fail(
  p_id uuid, p_attempt integer, p_error jsonb, p_delay_ms float8, p_kind text, p_max_interruptions integer
) RETURNS text LANGUAGE plpgsql
SET lock_timeout = '500ms' AS $$
DECLARE
  v_job jobs;
  v_end text;
BEGIN
  UPDATE jobs j
  SET errors = j.errors || jsonb_build_array(
        jsonb_build_object('at', clock_timestamp(), 'attempt', j.attempt - j.uncounted) || p_error),
      state = CASE WHEN j.task_max IS NULL AND j.project_max IS NULL THEN 'waiting' ELSE 'parked' END, worker_id = NULL,
      run_at = clock_timestamp() + p_delay_ms * interval '1 millisecond',
      uncounted = j.uncounted + (p_kind = 'interruption')::integer,
      interruptions = j.interruptions + (p_kind = 'interruption')::integer
  WHERE j.id = p_id AND j.attempt = p_attempt AND j.state = 'running'
  RETURNING j.* INTO v_job;
  IF v_job.id IS NULL THEN RETURN 'lost'; END IF;
  v_end := CASE
    WHEN EXISTS (SELECT FROM job_cancellations WHERE job_id = p_id) THEN 'cancelled'
    WHEN p_kind = 'permanent' OR v_job.interruptions > p_max_interruptions
      OR v_job.attempt - v_job.uncounted >= v_job.max_attempts THEN 'failed'
  END;
  IF v_end IS NULL THEN RETURN 'retrying'; END IF;
  PERFORM jobs_bury(v_job, v_end);
  RETURN v_end;
END $$;

CREATE OR REPLACE FUNCTION jobs_take_from_the_dead(p_max_interruptions integer, OUT taken integer, OUT held integer)
LANGUAGE plpgsql AS $$
DECLARE
  v_job jobs;
BEGIN
  taken := 0;
  FOR v_job IN
    SELECT j.* FROM jobs j
    WHERE j.state = 'running' AND NOT EXISTS (SELECT FROM job_workers w WHERE w.id = j.worker_id)
    ORDER BY j.project_id, j.id
    FOR UPDATE SKIP LOCKED
  LOOP
    UPDATE jobs j
    SET state = 'waiting', worker_id = NULL, uncounted = j.uncounted + 1, interruptions = j.interruptions + 1,
        errors = j.errors || jsonb_build_array(jsonb_build_object(
          'at', clock_timestamp(), 'attempt', j.attempt - j.uncounted, 'code', 'JOB_INTERRUPTED',
          'message', 'The process or the database that the job ran on was lost.'))
    WHERE j.id = v_job.id RETURNING j.* INTO v_job;
    taken := taken + 1;
    IF EXISTS (SELECT FROM job_cancellations WHERE job_id = v_job.id) THEN PERFORM jobs_bury(v_job, 'cancelled');
    ELSIF v_job.interruptions > p_max_interruptions THEN PERFORM jobs_bury(v_job, 'failed');
    END IF;
  END LOOP;
  SELECT count(*) INTO held FROM jobs j
  WHERE j.state = 'running' AND NOT EXISTS (SELECT FROM job_workers w WHERE w.id = j.worker_id);
END $$;

-- Cancels: what waits at once ('cancelled'), what runs soon ('cancelling': its worker is to be told, and jobs_end_wishes makes
-- sure). Else the state it has ended in, or NULL when there is no such job. It waits for nobody.
CREATE FUNCTION jobs_cancel(p_id uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_job jobs;
BEGIN
  SELECT * INTO v_job FROM jobs WHERE id = p_id AND state <> 'running' FOR UPDATE SKIP LOCKED;
  IF FOUND THEN
    PERFORM jobs_bury(v_job, 'cancelled');
    RETURN 'cancelled';
  END IF;
  INSERT INTO job_cancellations (job_id) SELECT id FROM jobs WHERE id = p_id ON CONFLICT DO NOTHING;
  IF EXISTS (SELECT FROM jobs WHERE id = p_id) THEN RETURN 'cancelling'; END IF;
  RETURN (SELECT status FROM finished_jobs WHERE id = p_id LIMIT 1);
END $$;

-- Ends one attempt as cancelled, by the worker that has it; false when it has it no more.
CREATE FUNCTION jobs_end_cancelled(p_id uuid, p_attempt integer) RETURNS boolean LANGUAGE plpgsql
SET lock_timeout = '500ms' AS $$
DECLARE
  v_job jobs;
BEGIN
  SELECT * INTO v_job FROM jobs WHERE id = p_id AND attempt = p_attempt AND state = 'running' FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM jobs_bury(v_job, 'cancelled');
  RETURN true;
END $$;

-- Ends what somebody has wanted to end for so long, whoever has it: that worker is busy, or gone. Returns how many. A job
-- whose row a transaction of its handler holds is left for the next time.
CREATE FUNCTION jobs_end_wishes(p_older_than_ms float8) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_job jobs;
  v_count integer := 0;
BEGIN
  FOR v_job IN
    SELECT j.* FROM jobs j JOIN job_cancellations c ON c.job_id = j.id
    WHERE j.state <> 'running' OR c.asked_at < clock_timestamp() - p_older_than_ms * interval '1 millisecond'
    ORDER BY j.project_id, j.id
    FOR UPDATE OF j SKIP LOCKED
  LOOP
    PERFORM jobs_bury(v_job, 'cancelled');
    v_count := v_count + 1;
  END LOOP;
  -- Of jobs that ended at the same moment.
  DELETE FROM job_cancellations c
  WHERE c.asked_at < clock_timestamp() - interval '1 minute' AND NOT EXISTS (SELECT FROM jobs j WHERE j.id = c.job_id);
  RETURN v_count;
END $$;

-- Enqueues a job that somebody runs. Of those of its key that have not ended, p_rule says: 'existing' returns one (is_new
-- false), 'reject' too, for the caller to refuse; 'replace' cancels the one that has not begun and makes another, which waits
-- until the one that has begun has ended.
CREATE FUNCTION jobs_submit(
  p_id uuid, p_project_id uuid, p_task text, p_lane text, p_input jsonb, p_unique_key text, p_created_by uuid,
  p_run_at timestamptz, p_timeout_ms integer, p_max_attempts integer, p_rule text,
  p_task_max integer, p_project_max integer, OUT id uuid, OUT is_new boolean
) LANGUAGE plpgsql AS $$
DECLARE
  v_key text := p_task || ' ' || coalesce(p_project_id::text, '-') || ' ' || p_unique_key;
  v_job jobs;
BEGIN
  IF v_key IS NOT NULL THEN
    -- One at a time of a key, so that none is made between our look and our insert.
    PERFORM pg_advisory_xact_lock(hashtextextended('stoa job ' || v_key, 0));
    IF p_rule = 'replace' THEN
      SELECT j.* INTO v_job FROM jobs j WHERE j.unique_key = v_key AND j.attempt = 0 FOR UPDATE;
      IF FOUND THEN PERFORM jobs_bury(v_job, 'cancelled'); END IF;
    ELSE
      SELECT j.id INTO id FROM jobs j WHERE j.unique_key = v_key ORDER BY j.attempt = 0 DESC LIMIT 1;
      IF FOUND THEN is_new := false; RETURN; END IF;
    END IF;
  END IF;
  INSERT INTO jobs (id, project_id, task, lane, input, unique_key, created_by, run_at, timeout_ms, max_attempts, for_user,
    state, task_max, project_max)
  VALUES (p_id, p_project_id, p_task, array_position(ARRAY['urgent', 'high', 'normal', 'low'], p_lane) - 1, p_input,
    v_key, p_created_by, coalesce(p_run_at, clock_timestamp()), p_timeout_ms, p_max_attempts, true,
    CASE WHEN p_task_max IS NULL AND p_project_max IS NULL THEN 'waiting' ELSE 'parked' END, p_task_max, p_project_max);
  id := p_id;
  is_new := true;
END $$;

-- Runs ended jobs of people again, under their ids and with all their attempts; their errors stay. Returns those that run.
-- Left out is what another job of its key, which has begun, stands in the way of.
CREATE FUNCTION jobs_revive(p_ids uuid[], p_task_maxes jsonb, p_project_max integer) RETURNS SETOF jobs LANGUAGE sql
SET enable_seqscan = off AS $$
  WITH ended AS (
    SELECT f.id, f.finished_at FROM (
      SELECT DISTINCT ON (coalesce(f.unique_key, f.id::text)) f.id, f.finished_at FROM finished_jobs f
      WHERE f.id = ANY (p_ids) AND f.for_user AND f.status IN ('failed', 'cancelled')
        AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = f.unique_key AND j.attempt > 0)
      ORDER BY coalesce(f.unique_key, f.id::text), f.finished_at DESC) newest
    JOIN finished_jobs f USING (id, finished_at) FOR UPDATE OF f SKIP LOCKED),
  gone AS (
    DELETE FROM finished_jobs f USING ended e WHERE f.id = e.id AND f.finished_at = e.finished_at RETURNING f.*),
  wishes AS (DELETE FROM job_cancellations c USING gone WHERE c.job_id = gone.id)
  INSERT INTO jobs (id, project_id, task, lane, input, unique_key, created_by, run_at, timeout_ms, max_attempts, attempt,
    uncounted, errors, created_at, for_user, state, task_max, project_max)
  SELECT id, project_id, task, lane, input, unique_key, created_by, clock_timestamp(), timeout_ms, max_attempts,
    greatest(taken, 1), greatest(taken, 1), errors, created_at, true,
    CASE WHEN p_task_maxes ->> task IS NULL AND p_project_max IS NULL THEN 'waiting' ELSE 'parked' END,
    (p_task_maxes ->> task)::integer, p_project_max
  FROM gone RETURNING *;
$$;
