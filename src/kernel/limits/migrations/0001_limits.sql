-- Counts of requests. Unlogged: they are worth a minute, and a crash of the database forgets them, which harms nobody.

-- Exact limits: the times at which a key was let in, no more of them than the limit.
CREATE UNLOGGED TABLE limit_hits (
  key text PRIMARY KEY,
  hits timestamptz[] NOT NULL,
  is_allowed boolean NOT NULL,
  ends_at timestamptz NOT NULL
);
CREATE INDEX limit_hits_by_end ON limit_hits (ends_at);

-- Approximate limits: what all processes together have counted of a key in a minute since 1970.
CREATE UNLOGGED TABLE limit_counts (
  minute int NOT NULL,
  key text NOT NULL,
  n int NOT NULL,
  PRIMARY KEY (minute, key)
);
