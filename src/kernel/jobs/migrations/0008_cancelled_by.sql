-- Whose wish it was that a job ends: the log names that person, not who had run it.
ALTER TABLE job_cancellations ADD COLUMN asked_by uuid;

-- As before, with who has ended it, where that is somebody else than its creator.
DROP FUNCTION jobs_bury(jobs, text);
CREATE FUNCTION jobs_bury(j jobs, p_status text, p_actor_id uuid DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_asked_by uuid;
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
  DELETE FROM job_cancellations WHERE job_id = j.id RETURNING asked_by INTO v_asked_by;
  IF j.for_user AND j.project_id IS NOT NULL THEN
    PERFORM jobs_announce(j.project_id, j.id, p_status, j.task,
      CASE p_status WHEN 'cancelled' THEN coalesce(p_actor_id, v_asked_by, j.created_by) ELSE j.created_by END,
      CASE p_status WHEN 'failed' THEN j.errors -> -1 ->> 'code' END);
  END IF;
END $$;

-- As before, with whose wish it is.
DROP FUNCTION jobs_cancel(uuid);
CREATE FUNCTION jobs_cancel(p_id uuid, p_actor_id uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_job jobs;
BEGIN
  SELECT * INTO v_job FROM jobs WHERE id = p_id AND state <> 'running' FOR UPDATE SKIP LOCKED;
  IF FOUND THEN
    PERFORM jobs_bury(v_job, 'cancelled', p_actor_id);
    RETURN 'cancelled';
  END IF;
  INSERT INTO job_cancellations (job_id, asked_by) SELECT id, p_actor_id FROM jobs WHERE id = p_id ON CONFLICT DO NOTHING;
  IF EXISTS (SELECT FROM jobs WHERE id = p_id) THEN RETURN 'cancelling'; END IF;
  RETURN (SELECT status FROM finished_jobs WHERE id = p_id LIMIT 1);
END $$;
