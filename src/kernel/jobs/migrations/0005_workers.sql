-- What a job waits for that was put off, with the attempt that said so: an older one is past. And how long it was put off in
-- all, in ms.
ALTER TABLE jobs
  ADD COLUMN waits_for jsonb,
  ADD COLUMN postponed_ms float8 NOT NULL DEFAULT 0;

-- Breakers of the process, as it last told of them with its beat.
ALTER TABLE job_workers ADD COLUMN breakers jsonb NOT NULL DEFAULT '[]';

-- Puts a job off: 'postponed', and the attempt does not count. One that was put off for p_max_ms in all has failed with
-- what it waits for, as jobs_fail says it.
CREATE FUNCTION jobs_postpone(
  p_id uuid, p_attempt integer, p_error jsonb, p_delay_ms float8, p_max_ms float8, p_max_interruptions integer
) RETURNS text LANGUAGE plpgsql
SET lock_timeout = '500ms' AS $$
DECLARE
  v_job jobs;
BEGIN
  UPDATE jobs j
  SET waits_for = jsonb_build_object('attempt', j.attempt, 'code', p_error -> 'code', 'message', p_error -> 'message'),
      state = CASE WHEN j.task_max IS NULL AND j.project_max IS NULL THEN 'waiting' ELSE 'parked' END, worker_id = NULL,
      run_at = clock_timestamp() + p_delay_ms * interval '1 millisecond',
      uncounted = j.uncounted + 1, postponed_ms = j.postponed_ms + p_delay_ms
  WHERE j.id = p_id AND j.attempt = p_attempt AND j.state = 'running' AND j.postponed_ms + p_delay_ms <= p_max_ms
  RETURNING j.* INTO v_job;
  IF v_job.id IS NULL THEN
    RETURN jobs_fail(p_id, p_attempt, p_error, p_delay_ms, 'failure', p_max_interruptions);
  END IF;
  IF EXISTS (SELECT FROM job_cancellations WHERE job_id = p_id) THEN
    PERFORM jobs_bury(v_job, 'cancelled');
    RETURN 'cancelled';
  END IF;
  RETURN 'postponed';
END $$;
