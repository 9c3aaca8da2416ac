-- Which refresh answers have left the server, ends by age in the log of endings, and reasons that are named in the code.
ALTER TABLE sessions ADD COLUMN answered_counter int NOT NULL DEFAULT 0;
UPDATE sessions SET answered_counter = counter;
-- EndReason of model.ts says which there are: one place is enough.
ALTER TABLE sessions DROP CONSTRAINT IF EXISTS sessions_end_reason_check;
-- For those that end by age.
CREATE INDEX sessions_alive_by_use ON sessions (last_used_at) WHERE ended_at IS NULL;
