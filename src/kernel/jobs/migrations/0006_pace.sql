-- The statements that every job passes through, made cheaper; what they do is as before.

-- PostgreSQL reads and compiles each check anew for each statement: together they cost a third of handing a job in. What
-- they forbade, the functions never write and the engine's own settings do not allow.
ALTER TABLE jobs
  DROP CONSTRAINT jobs_state_check, DROP CONSTRAINT jobs_lane_check, DROP CONSTRAINT jobs_timeout_ms_check,
  DROP CONSTRAINT jobs_max_attempts_check, DROP CONSTRAINT jobs_task_max_check, DROP CONSTRAINT jobs_project_max_check;

-- Without a key there is nobody to look for: as one function body with the look it was planned anew at each call.
CREATE OR REPLACE FUNCTION jobs_enqueue(
  p_id uuid, p_project_id uuid, p_task text, p_lane text, p_input jsonb, p_unique_key text, p_created_by uuid,
  p_run_at timestamptz, p_timeout_ms integer, p_max_attempts integer
) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  v_id uuid;
  v_lane smallint := CASE p_lane WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 WHEN 'normal' THEN 2 WHEN 'low' THEN 3 END;
  v_run_at timestamptz := coalesce(p_run_at, clock_timestamp());
  v_key text;
BEGIN
  IF p_unique_key IS NULL THEN
    INSERT INTO jobs (id, project_id, task, lane, input, created_by, run_at, timeout_ms, max_attempts)
    VALUES (p_id, p_project_id, p_task, v_lane, p_input, p_created_by, v_run_at, p_timeout_ms, p_max_attempts);
    RETURN p_id;
  END IF;
  v_key := p_task || ' ' || coalesce(p_project_id::text, '-') || ' ' || p_unique_key;
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

-- Takes due jobs as before, and may look only at those that are due for no longer than p_floors_ms of their lane: in an index
-- whose front is full of dead rows, which an open transaction keeps from being removed, the front is what costs.
-- One plan for all calls: else each lane of each claim is planned anew, which costs more than reading it. Not knowing how
-- many are wanted that plan expects many, and would read the whole table to join them.
DROP FUNCTION jobs_claim(uuid, smallint[], text[], integer, integer, integer[]);
CREATE FUNCTION jobs_claim(
  p_worker_id uuid, p_lanes smallint[], p_tasks text[], p_limit integer, p_urgent_limit integer,
  p_quotas integer[] DEFAULT NULL, p_floors_ms float8[] DEFAULT NULL
) RETURNS SETOF jobs LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  v_lane smallint;
  v_floor timestamptz;
  v_limit integer;
  v_taken integer;
  v_left integer := p_limit;
  v_empty smallint[] := '{}';
BEGIN
  IF NOT EXISTS (SELECT FROM job_workers WHERE id = p_worker_id) THEN RETURN; END IF;
  FOR v_round IN 1..2 LOOP
    FOR v_place IN 1..cardinality(p_lanes) LOOP
      v_lane := p_lanes[v_place];
      v_limit := CASE
        WHEN v_lane = 0 THEN least(v_left, p_urgent_limit)
        WHEN v_round = 1 THEN least(v_left, coalesce(p_quotas[v_place], v_left))
        ELSE v_left
      END;
      CONTINUE WHEN v_limit <= 0 OR v_lane = ANY (v_empty);
      v_floor := coalesce(now() - p_floors_ms[v_place] * interval '1 millisecond', '-infinity');
      RETURN QUERY
        WITH due AS MATERIALIZED (
          SELECT j.id FROM jobs j
          WHERE j.state = 'waiting' AND j.lane = v_lane AND j.run_at >= v_floor AND j.run_at <= now()
            AND j.task = ANY (p_tasks)
            AND (j.unique_key IS NULL OR j.attempt > 0 OR NOT EXISTS (
              SELECT FROM jobs begun WHERE begun.unique_key = j.unique_key AND begun.attempt > 0))
          ORDER BY j.run_at, j.id LIMIT v_limit FOR UPDATE SKIP LOCKED)
        UPDATE jobs j
        SET state = 'running', attempt = j.attempt + 1, worker_id = p_worker_id, started_at = clock_timestamp()
        FROM due WHERE j.id = due.id RETURNING j.*;
      GET DIAGNOSTICS v_taken = ROW_COUNT;
      v_left := v_left - v_taken;
      -- The urgent lane is asked once: what its reserved slot may take does not grow.
      IF v_taken < v_limit OR v_lane = 0 THEN v_empty := v_empty || v_lane; END IF;
    END LOOP;
    EXIT WHEN v_left <= 0;
  END LOOP;
END $$;

-- As before, and planned once. Of what a job may leave behind nothing is looked for where no job has left any.
-- The state is asked for by what it is not: by what it is the planner would take the index of all that run, and compare each
-- with each.
CREATE OR REPLACE FUNCTION jobs_complete(p_ids uuid[], p_attempts integer[], p_results jsonb[])
RETURNS SETOF uuid LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan SET lock_timeout = '500ms' AS $$
DECLARE
  v_is_progress boolean := EXISTS (SELECT FROM job_progress);
  v_is_wish boolean := EXISTS (SELECT FROM job_cancellations);
BEGIN
  RETURN QUERY
  WITH done AS (
    DELETE FROM jobs j USING unnest(p_ids, p_attempts, p_results) AS d (id, attempt, result)
    WHERE j.id = d.id AND j.attempt = d.attempt AND j.state NOT IN ('parked', 'waiting')
    RETURNING j.*, d.result),
  progress AS (
    DELETE FROM job_progress p USING done WHERE v_is_progress AND p.job_id = done.id RETURNING p.*),
  wishes AS (
    DELETE FROM job_cancellations c USING done WHERE v_is_wish AND c.job_id = done.id),
  kept AS (
    INSERT INTO finished_jobs (
      id, project_id, created_by, task, lane, status, input, unique_key, run_at, timeout_ms, max_attempts, attempt,
      interruptions, errors, progress, result, created_at, started_at, finished_at, for_user, taken)
    SELECT d.id, d.project_id, d.created_by, d.task, d.lane, 'succeeded', d.input, d.unique_key, d.run_at, d.timeout_ms,
      d.max_attempts, d.attempt - d.uncounted, d.interruptions, d.errors,
      CASE WHEN v_is_progress THEN (
        SELECT jsonb_build_object('done', p.done, 'total', p.total, 'message', p.message)
        FROM progress p WHERE p.job_id = d.id AND p.attempt = d.attempt) END,
      d.result, d.created_at, d.started_at, clock_timestamp(), d.for_user, d.attempt
    FROM done d
    RETURNING finished_jobs.id),
  announced AS MATERIALIZED (
    SELECT jobs_announce(d.project_id, d.id, 'succeeded', d.task, d.created_by, NULL)
    FROM (SELECT * FROM done WHERE for_user AND project_id IS NOT NULL ORDER BY project_id, id) d)
  SELECT kept.id FROM kept WHERE (SELECT count(*) FROM announced) >= 0;
END $$;
