-- Tickets, and who is online where. Both are of the moment: a crash of the database may empty them (UNLOGGED).
CREATE UNLOGGED TABLE live_tickets (
  -- SHA-256 of the ticket.
  hash bytea PRIMARY KEY,
  user_id uuid NOT NULL,
  session_id uuid NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX live_tickets_expires_at ON live_tickets (expires_at);

-- A process that serves connections, and when it last said that it lives.
CREATE UNLOGGED TABLE live_processes (
  id uuid PRIMARY KEY,
  beat_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNLOGGED TABLE live_presence (
  project_id uuid NOT NULL,
  connection_id uuid NOT NULL,
  user_id uuid NOT NULL,
  process_id uuid NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'idle', 'away')),
  PRIMARY KEY (project_id, connection_id)
);
CREATE INDEX live_presence_process ON live_presence (process_id);

-- When a user who is not there any more was there last.
CREATE TABLE live_last_seen (
  project_id uuid NOT NULL,
  user_id uuid NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (project_id, user_id)
);
