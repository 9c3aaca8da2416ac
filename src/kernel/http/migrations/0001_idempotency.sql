-- Idempotency-Keys: the answer that a key has led to, kept for 24 hours; or an upload that holds its key while it runs.
CREATE TABLE idempotency_keys (
  -- SHA-256 over caller, method, path and key: short, and no user's text in an index.
  id bytea PRIMARY KEY,
  -- End of keeping; of an upload that runs, end of its lease, put off while it lives.
  expires_at timestamptz NOT NULL,
  -- The upload that holds the key; null once there is an answer.
  holder uuid,
  -- SHA-256 over query and body; null while an upload has not been read to its end.
  fingerprint bytea,
  status smallint,
  headers jsonb,
  body text,
  CHECK ((holder IS NULL) = (status IS NOT NULL AND fingerprint IS NOT NULL))
);

CREATE INDEX idempotency_keys_by_end ON idempotency_keys (expires_at);
