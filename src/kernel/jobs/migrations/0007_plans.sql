-- The two statements that every job passes through, as before, but so that no statistics can lead the planner astray. Their
-- plans are made once for many calls. Where that was while the queue stood empty, one row was expected in the whole table,
-- and each call read all of it to join a handful.

-- The rows of a list of ids are looked up one by one, whatever is expected: a join could be begun from either side.
CREATE OR REPLACE FUNCTION jobs_claim(
  p_worker_id uuid, p_lanes smallint[], p_tasks text[], p_limit integer, p_urgent_limit integer,
  p_quotas integer[] DEFAULT NULL, p_floors_ms float8[] DEFAULT NULL
) RETURNS SETOF jobs LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
SET plan_cache_mode = force_generic_plan AS $$
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
        WHERE j.id = ANY (ARRAY(SELECT due.id FROM due)) RETURNING j.*;
      GET DIAGNOSTICS v_taken = ROW_COUNT;
      v_left := v_left - v_taken;
      -- The urgent lane is asked once: what its reserved slot may take does not grow.
      IF v_taken < v_limit OR v_lane = 0 THEN v_empty := v_empty || v_lane; END IF;
    END LOOP;
    EXIT WHEN v_left <= 0;
  END LOOP;
END $$;

-- The results are joined by hashing, never each with each. The state is asked for by what it is not: by what it is the planner
-- could take the index of all that run.
CREATE OR REPLACE FUNCTION jobs_complete(p_ids uuid[], p_attempts integer[], p_results jsonb[])
RETURNS SETOF uuid LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_nestloop = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan SET lock_timeout = '500ms' AS $$
DECLARE
  v_is_progress boolean := EXISTS (SELECT FROM job_progress);
  v_is_wish boolean := EXISTS (SELECT FROM job_cancellations);
BEGIN
  RETURN QUERY
  WITH done AS (
    DELETE FROM jobs j USING unnest(p_ids, p_attempts, p_results) AS d (id, attempt, result)
    WHERE j.id = ANY (p_ids) AND j.id = d.id AND j.attempt = d.attempt AND j.state NOT IN ('parked', 'waiting')
    RETURNING j.*, d.result),
  progress AS (
    DELETE FROM job_progress p USING done
    WHERE v_is_progress AND p.job_id = ANY (p_ids) AND p.job_id = done.id RETURNING p.*),
  wishes AS (
    DELETE FROM job_cancellations c USING done
    WHERE v_is_wish AND c.job_id = ANY (p_ids) AND c.job_id = done.id),
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
