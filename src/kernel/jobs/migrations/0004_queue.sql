-- Takes at most p_limit due jobs, of the urgent lane at most p_urgent_limit, in the order (lane, run_at, id). With p_quotas
-- each lane at first gives no more than its own, and what is left then goes to the lanes in their order. A keyed job is not
-- taken while another of its key has begun; that one was begun before ours could be inserted, so every snapshot that sees
-- ours sees it too. The settings: statistics of a queue are always wrong, and an index in order is always right.
DROP FUNCTION jobs_claim(uuid, smallint[], text[], integer, integer);
CREATE FUNCTION jobs_claim(
  p_worker_id uuid, p_lanes smallint[], p_tasks text[], p_limit integer, p_urgent_limit integer,
  p_quotas integer[] DEFAULT NULL
) RETURNS SETOF jobs LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
  v_lane smallint;
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
      -- The urgent lane is asked once: what its reserved slot may take does not grow.
      IF v_taken < v_limit OR v_lane = 0 THEN v_empty := v_empty || v_lane; END IF;
    END LOOP;
    EXIT WHEN v_left <= 0;
  END LOOP;
END $$;

-- How many due jobs of its lane go before one: exact up to p_exact, beyond that what the planner's statistics say, since
-- counting a million costs more than the answer is worth.
CREATE FUNCTION jobs_ahead(p_lane smallint, p_run_at timestamptz, p_id uuid, p_exact integer) RETURNS float8
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
  v_count integer;
  v_plan jsonb;
BEGIN
  SELECT count(*) INTO v_count FROM (
    SELECT FROM jobs WHERE state = 'waiting' AND lane = p_lane AND (run_at, id) < (p_run_at, p_id) LIMIT p_exact) AS ahead;
  IF v_count < p_exact THEN RETURN v_count; END IF;
  EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM jobs WHERE state = ''waiting'' AND lane = %s AND run_at < %L',
    p_lane, p_run_at) INTO v_plan;
  RETURN greatest(v_count, (v_plan -> 0 -> 'Plan' ->> 'Plan Rows')::float8);
END $$;

-- The lanes in which something is due, one look at each: as one query the planner would read them all.
CREATE FUNCTION jobs_due_lanes() RETURNS integer[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
  v_lanes integer[] := '{}';
BEGIN
  FOR v_lane IN 0..3 LOOP
    PERFORM FROM jobs WHERE state = 'waiting' AND lane = v_lane AND run_at <= now() ORDER BY lane, run_at, id LIMIT 1;
    IF FOUND THEN v_lanes := v_lanes || v_lane; END IF;
  END LOOP;
  RETURN v_lanes;
END $$;

-- Admits parked jobs of this task and of this project as far as there is room; returns the lanes they wait in now. One
-- admission at a time, so that two never take the same room: what was admitted can only become less meanwhile.
CREATE FUNCTION jobs_admit(p_task text, p_project_id uuid) RETURNS smallint[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  v_job record;
  v_lanes smallint[] := '{}';
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('stoa job admission', 0));
  FOR v_job IN
    SELECT * FROM (
      (SELECT id, task, project_id, lane, run_at, task_max, project_max FROM jobs
       WHERE state = 'parked' AND task = p_task AND run_at <= clock_timestamp() ORDER BY lane, run_at, id LIMIT 50)
      UNION
      (SELECT id, task, project_id, lane, run_at, task_max, project_max FROM jobs
       WHERE state = 'parked' AND project_id = p_project_id AND run_at <= clock_timestamp()
       ORDER BY lane, run_at, id LIMIT 50)) AS candidates
    ORDER BY lane, run_at, id
  LOOP
    CONTINUE WHEN v_job.task_max <= (
      SELECT count(*) FROM jobs WHERE task = v_job.task AND task_max IS NOT NULL AND state <> 'parked');
    CONTINUE WHEN v_job.project_max <= (
      SELECT count(*) FROM jobs WHERE project_id = v_job.project_id AND project_max IS NOT NULL AND state <> 'parked');
    UPDATE jobs SET state = 'waiting' WHERE id = v_job.id AND state = 'parked';
    IF FOUND THEN v_lanes := v_lanes || v_job.lane; END IF;
  END LOOP;
  RETURN v_lanes;
END $$;

-- The same for every task and project of which something is parked: for what became due, and for calls that were lost.
CREATE FUNCTION jobs_admit_all() RETURNS smallint[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
  v_place record;
  v_lanes smallint[] := '{}';
BEGIN
  FOR v_place IN
    WITH RECURSIVE tasks AS (
      (SELECT task FROM jobs WHERE state = 'parked' ORDER BY task LIMIT 1)
      UNION ALL
      SELECT (SELECT j.task FROM jobs j WHERE j.state = 'parked' AND j.task > t.task ORDER BY j.task LIMIT 1)
      FROM tasks t WHERE t.task IS NOT NULL),
    projects AS (
      (SELECT project_id FROM jobs WHERE state = 'parked' ORDER BY project_id LIMIT 1)
      UNION ALL
      SELECT (
        SELECT j.project_id FROM jobs j WHERE j.state = 'parked' AND j.project_id > p.project_id
        ORDER BY j.project_id LIMIT 1)
      FROM projects p WHERE p.project_id IS NOT NULL)
    SELECT task, NULL::uuid AS project_id FROM tasks WHERE task IS NOT NULL
    UNION ALL SELECT NULL, project_id FROM projects WHERE project_id IS NOT NULL
  LOOP
    v_lanes := v_lanes || jobs_admit(v_place.task, v_place.project_id);
  END LOOP;
  RETURN v_lanes;
END $$;
