-- Enqueues in the caller's transaction or statement and returns the id of the job that will do it: p_id, or the one of this
-- task, project and key that still waits for its first attempt. That one stays locked to the end of the transaction, so
-- that no worker takes it before what we have written can be seen.
CREATE FUNCTION jobs_enqueue(
  p_id uuid, p_project_id uuid, p_task text, p_lane text, p_input jsonb, p_unique_key text, p_created_by uuid,
  p_run_at timestamptz, p_timeout_ms integer, p_max_attempts integer
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  v_id uuid;
  v_lane smallint := array_position(ARRAY['urgent', 'high', 'normal', 'low'], p_lane) - 1;
  v_key text := p_task || ' ' || coalesce(p_project_id::text, '-') || ' ' || p_unique_key;
  v_run_at timestamptz := coalesce(p_run_at, clock_timestamp());
BEGIN
  -- Mostly one waits already and no later than ours would: locking it costs half of what writing it anew does.
  SELECT j.id INTO v_id FROM jobs j
  WHERE j.unique_key = v_key AND j.attempt = 0 AND j.run_at <= v_run_at AND j.lane <= v_lane FOR NO KEY UPDATE;
  IF FOUND THEN RETURN v_id; END IF;
  INSERT INTO jobs AS j (id, project_id, task, lane, input, unique_key, created_by, run_at, timeout_ms, max_attempts)
  VALUES (
    p_id, p_project_id, p_task, v_lane, p_input, v_key, p_created_by, v_run_at, p_timeout_ms, p_max_attempts)
  ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND attempt = 0
  DO UPDATE SET run_at = least(j.run_at, excluded.run_at), lane = least(j.lane, excluded.lane)
  RETURNING j.id INTO v_id;
  RETURN v_id;
END $$;

-- Takes at most p_limit due jobs, of the urgent lane at most p_urgent_limit, in the order (lane, run_at, id). A keyed job is
-- not taken while another of its key has begun; that one was begun before ours could be inserted, so every snapshot that
-- sees ours sees it too.
-- The settings: statistics of a queue are always wrong, and an index in order is always right.
CREATE FUNCTION jobs_claim(
  p_worker_id uuid, p_lanes smallint[], p_tasks text[], p_limit integer, p_urgent_limit integer
) RETURNS SETOF jobs LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
  v_lane smallint;
  v_limit integer;
  v_taken integer;
  v_left integer := p_limit;
BEGIN
  IF NOT EXISTS (SELECT FROM job_workers WHERE id = p_worker_id) THEN RETURN; END IF;
  FOREACH v_lane IN ARRAY p_lanes LOOP
    v_limit := CASE v_lane WHEN 0 THEN least(v_left, p_urgent_limit) ELSE v_left END;
    CONTINUE WHEN v_limit <= 0;
    RETURN QUERY
      WITH due AS MATERIALIZED (
        SELECT j.id FROM jobs j
        WHERE j.state = 'waiting' AND j.lane = v_lane AND j.run_at <= now() AND j.task = ANY (p_tasks)
          AND (j.unique_key IS NULL OR j.attempt > 0 OR NOT EXISTS (
            SELECT FROM jobs begun WHERE begun.unique_key = j.unique_key AND begun.attempt > 0))
        ORDER BY j.run_at, j.id LIMIT v_limit FOR UPDATE SKIP LOCKED)
      UPDATE jobs j
      SET state = 'running', attempt = j.attempt + 1, worker_id = p_worker_id, started_at = clock_timestamp()
      FROM due WHERE j.id = due.id RETURNING j.*;
    GET DIAGNOSTICS v_taken = ROW_COUNT;
    v_left := v_left - v_taken;
  END LOOP;
END $$;

-- Takes one keyed job that is overdue because enqueuers hold it all the time: waits in line with them, where jobs_claim
-- skips it. Any of them, so that one whose holder is slow does not keep the others waiting.
CREATE FUNCTION jobs_claim_patiently(p_worker_id uuid, p_lanes smallint[], p_tasks text[], p_overdue_ms float8)
RETURNS SETOF jobs LANGUAGE plpgsql
SET enable_seqscan = off SET lock_timeout = '5s' AS $$
DECLARE
  v_id uuid;
BEGIN
  SELECT id INTO v_id FROM (
    SELECT j.id FROM jobs j
    WHERE j.state = 'waiting' AND j.lane = ANY (p_lanes) AND j.run_at <= now() - p_overdue_ms * interval '1 millisecond'
      AND j.task = ANY (p_tasks) AND j.unique_key IS NOT NULL AND j.attempt = 0
      AND NOT EXISTS (SELECT FROM jobs begun WHERE begun.unique_key = j.unique_key AND begun.attempt > 0)
      AND EXISTS (SELECT FROM job_workers WHERE job_workers.id = p_worker_id)
    LIMIT 20) AS overdue
  ORDER BY random() LIMIT 1;
  IF v_id IS NULL THEN RETURN; END IF;
  RETURN QUERY
    UPDATE jobs j SET state = 'running', attempt = 1, worker_id = p_worker_id, started_at = clock_timestamp()
    WHERE j.id = v_id AND j.state = 'waiting' AND j.attempt = 0 RETURNING j.*;
EXCEPTION WHEN lock_not_available THEN
  RETURN;
END $$;

-- Moves one job that is being deleted to its end.
CREATE FUNCTION jobs_bury(j jobs, p_status text, p_result jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO finished_jobs (
    id, project_id, created_by, task, lane, status, input, unique_key, run_at, timeout_ms, max_attempts, attempt,
    interruptions, errors, progress, result, created_at, started_at, finished_at)
  SELECT j.id, j.project_id, j.created_by, j.task, j.lane, p_status, j.input, j.unique_key, j.run_at, j.timeout_ms,
    j.max_attempts, j.attempt - j.uncounted, j.interruptions, j.errors,
    (SELECT jsonb_build_object('done', p.done, 'total', p.total, 'message', p.message)
     FROM job_progress p WHERE p.job_id = j.id AND p.attempt = j.attempt),
    p_result, j.created_at, j.started_at, clock_timestamp();
$$;

-- Ends many that have succeeded; returns those that were still ours. The lock_timeout here and below: a transaction that a
-- handler has left open holds its job, and must not hold up how the others end.
CREATE FUNCTION jobs_complete(p_ids uuid[], p_attempts integer[], p_results jsonb[])
RETURNS SETOF uuid LANGUAGE sql
SET enable_seqscan = off SET lock_timeout = '500ms' AS $$
  WITH done AS (
    DELETE FROM jobs j USING unnest(p_ids, p_attempts, p_results) AS d (id, attempt, result)
    WHERE j.id = d.id AND j.attempt = d.attempt AND j.state = 'running'
    RETURNING j.*, d.result),
  progress AS (
    DELETE FROM job_progress p USING done WHERE p.job_id = done.id RETURNING p.*)
  INSERT INTO finished_jobs (
    id, project_id, created_by, task, lane, status, input, unique_key, run_at, timeout_ms, max_attempts, attempt,
    interruptions, errors, progress, result, created_at, started_at, finished_at)
  SELECT d.id, d.project_id, d.created_by, d.task, d.lane, 'succeeded', d.input, d.unique_key, d.run_at, d.timeout_ms,
    d.max_attempts, d.attempt - d.uncounted, d.interruptions, d.errors,
    (SELECT jsonb_build_object('done', p.done, 'total', p.total, 'message', p.message)
     FROM progress p WHERE p.job_id = d.id AND p.attempt = d.attempt),
    d.result, d.created_at, d.started_at, clock_timestamp()
  FROM done d
  RETURNING id;
$$;

-- Writes a failure: 'retrying', 'failed' when it is permanent or was the last attempt, 'lost' when the job is not ours. An
-- interruption, such as the loss of the database under the handler, counts like the loss of the process.
CREATE FUNCTION jobs_fail(
  p_id uuid, p_attempt integer, p_error jsonb, p_delay_ms float8, p_kind text, p_max_interruptions integer
) RETURNS text LANGUAGE plpgsql
SET lock_timeout = '500ms' AS $$
DECLARE
  v_job jobs;
BEGIN
  UPDATE jobs j
  SET errors = j.errors || jsonb_build_array(
        jsonb_build_object('at', clock_timestamp(), 'attempt', j.attempt - j.uncounted) || p_error),
      state = 'waiting', worker_id = NULL, run_at = clock_timestamp() + p_delay_ms * interval '1 millisecond',
      uncounted = j.uncounted + (p_kind = 'interruption')::integer,
      interruptions = j.interruptions + (p_kind = 'interruption')::integer
  WHERE j.id = p_id AND j.attempt = p_attempt AND j.state = 'running'
  RETURNING j.* INTO v_job;
  IF v_job.id IS NULL THEN RETURN 'lost'; END IF;
  IF p_kind <> 'permanent' AND v_job.interruptions <= p_max_interruptions
    AND v_job.attempt - v_job.uncounted < v_job.max_attempts THEN RETURN 'retrying'; END IF;
  PERFORM jobs_bury(v_job, 'failed', NULL);
  DELETE FROM jobs WHERE id = p_id;
  DELETE FROM job_progress WHERE job_id = p_id;
  RETURN 'failed';
END $$;

-- Gives jobs back to be taken by another, at the place in the queue they had.
CREATE FUNCTION jobs_hand_back(p_ids uuid[], p_attempts integer[]) RETURNS integer LANGUAGE sql
SET lock_timeout = '500ms' AS $$
  WITH back AS (
    UPDATE jobs j SET state = 'waiting', worker_id = NULL, uncounted = j.uncounted + 1
    FROM unnest(p_ids, p_attempts) AS b (id, attempt)
    WHERE j.id = b.id AND j.attempt = b.attempt AND j.state = 'running' RETURNING 1)
  SELECT count(*)::integer FROM back;
$$;

-- Of running jobs whose worker has no row any more: to be run again, or dead when that has happened too often. Returns how
-- many, and how many were skipped because a transaction of the dead worker still holds them.
CREATE FUNCTION jobs_take_from_the_dead(p_max_interruptions integer, OUT taken integer, OUT held integer)
LANGUAGE plpgsql AS $$
DECLARE
  v_job jobs;
BEGIN
  taken := 0;
  FOR v_job IN
    SELECT j.* FROM jobs j
    WHERE j.state = 'running' AND NOT EXISTS (SELECT FROM job_workers w WHERE w.id = j.worker_id)
    FOR UPDATE SKIP LOCKED
  LOOP
    UPDATE jobs j
    SET state = 'waiting', worker_id = NULL, uncounted = j.uncounted + 1, interruptions = j.interruptions + 1,
        errors = j.errors || jsonb_build_array(jsonb_build_object(
          'at', clock_timestamp(), 'attempt', j.attempt - j.uncounted, 'code', 'JOB_INTERRUPTED',
          'message', 'The process or the database that the job ran on was lost.'))
    WHERE j.id = v_job.id RETURNING j.* INTO v_job;
    taken := taken + 1;
    IF v_job.interruptions > p_max_interruptions THEN
      PERFORM jobs_bury(v_job, 'failed', NULL);
      DELETE FROM jobs WHERE id = v_job.id;
      DELETE FROM job_progress WHERE job_id = v_job.id;
    END IF;
  END LOOP;
  SELECT count(*) INTO held FROM jobs j
  WHERE j.state = 'running' AND NOT EXISTS (SELECT FROM job_workers w WHERE w.id = j.worker_id);
END $$;
