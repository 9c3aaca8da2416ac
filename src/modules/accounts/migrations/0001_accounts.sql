-- Users, their sessions, the log of ended sessions that every process follows, and the keys that sign access tokens.
CREATE TABLE users (
  id uuid PRIMARY KEY,
  email text NOT NULL,
  -- The address folded (email.ts), so that it is unique whatever its case.
  email_key text NOT NULL,
  name text,
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_email_taken UNIQUE (email_key)
);

CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- The refresh token that counts is the one made of this number; the token itself is stored nowhere.
  counter int NOT NULL DEFAULT 0,
  rotated_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  user_agent text,
  address text NOT NULL,
  ended_at timestamptz,
  end_reason text CHECK (end_reason IN ('logout', 'removed', 'reuse')),
  CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_creation ON sessions (created_at);

-- Ended sessions in the order of their commits, so that a process reads on from the last number it saw and misses none.
CREATE TABLE session_endings (
  n bigint PRIMARY KEY,
  session_id uuid NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

-- One row, locked from taking a number to the commit: a sequence would let 6 be seen before 5.
CREATE TABLE session_ending_head (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  n bigint NOT NULL DEFAULT 0
);
INSERT INTO session_ending_head DEFAULT VALUES;

CREATE TABLE signing_keys (
  -- JWK thumbprint (RFC 7638): the kid of the tokens.
  id text PRIMARY KEY,
  -- PKCS #8, encrypted under SECRET_KEY.
  sealed_private_key bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Published before it signs, so that every verifier knows it by then.
  signs_from timestamptz NOT NULL
);
