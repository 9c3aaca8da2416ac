-- The log itself: what the database is, and where its numbering of transactions starts.
CREATE TABLE event_log (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  -- Random; a new one tells readers that numbers they remember may mean other events now.
  epoch uuid NOT NULL DEFAULT gen_random_uuid(),
  -- Which cluster, timeline, database and table these rows were written in; differs after a restore.
  origin text NOT NULL DEFAULT '',
  -- Added to transaction ids, so that positions go on rising in a cluster whose ids are lower.
  xid_offset bigint NOT NULL DEFAULT 0
);
INSERT INTO event_log DEFAULT VALUES;

CREATE TABLE event_heads (
  project_id uuid PRIMARY KEY,
  -- The newest number given.
  seq bigint NOT NULL DEFAULT 0,
  -- The oldest number still kept; seq + 1 when none is.
  floor bigint NOT NULL DEFAULT 1,
  last_at timestamptz NOT NULL DEFAULT '-infinity',
  last_position bigint NOT NULL DEFAULT 0
) WITH (
  -- Each append rewrites its row: room on the page keeps that free of index writes, and vacuum must come often.
  fillfactor = 40,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 500
);

CREATE TABLE events (
  project_id uuid NOT NULL,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  id uuid NOT NULL,
  event text NOT NULL,
  actor_id uuid,
  subject text NOT NULL,
  data jsonb NOT NULL,
  -- Transaction id, raised to that of the event before it: rises with seq within a project.
  position bigint NOT NULL,
  PRIMARY KEY (project_id, seq, at)
) PARTITION BY RANGE (at);
CREATE INDEX events_position ON events (position, project_id, seq);
CREATE TABLE events_default PARTITION OF events DEFAULT;

CREATE TABLE event_cursors (
  name text PRIMARY KEY,
  position text NOT NULL,
  saved_at timestamptz NOT NULL DEFAULT now()
);

-- Appends and returns the number. The head row stays locked to the end of the transaction, so that numbers are given in the
-- order of commits and one that is rolled back is given again.
CREATE FUNCTION events_append(
  p_project_id uuid, p_id uuid, p_event text, p_actor_id uuid, p_subject text, p_data jsonb
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_seq bigint;
  v_at timestamptz;
  v_position bigint;
BEGIN
  IF octet_length(p_data::text) > 16384 THEN
    RAISE EXCEPTION 'data of event % is larger than 16 KiB', p_event USING ERRCODE = 'program_limit_exceeded';
  END IF;
  UPDATE event_heads h
  SET seq = h.seq + 1,
      last_at = greatest(clock_timestamp(), h.last_at),
      last_position = greatest(pg_current_xact_id()::text::bigint + l.xid_offset, h.last_position)
  FROM event_log l
  WHERE h.project_id = p_project_id
  RETURNING h.seq, h.last_at, h.last_position INTO v_seq, v_at, v_position;
  IF v_seq IS NULL THEN
    RAISE EXCEPTION 'project % has no event log', p_project_id USING ERRCODE = 'foreign_key_violation';
  END IF;
  INSERT INTO events (project_id, seq, at, id, event, actor_id, subject, data, position)
  VALUES (p_project_id, v_seq, v_at, p_id, p_event, p_actor_id, p_subject, p_data, v_position);
  RETURN v_seq;
END $$;
