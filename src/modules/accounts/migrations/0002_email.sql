-- Addresses that are verified, the one-time links that mails carry, the devices that a user was seen on, and how many mails went out.
ALTER TABLE users
  ADD COLUMN email_verified_at timestamptz,
  -- Rises with each change of the password; a hash that is made anew at a higher cost is no change.
  ADD COLUMN password_version int NOT NULL DEFAULT 0;

ALTER TABLE sessions DROP CONSTRAINT sessions_end_reason_check;
ALTER TABLE sessions ADD CONSTRAINT sessions_end_reason_check
  CHECK (end_reason IN ('logout', 'removed', 'reuse', 'password_changed', 'password_reset'));

CREATE TABLE email_links (
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  purpose text NOT NULL CHECK (purpose IN ('verify', 'reset', 'change')),
  -- SHA-256 of the token; the token itself stands in the mail and nowhere else.
  token_hash bytea NOT NULL,
  -- The address that the link was sent to, and proves.
  email text NOT NULL,
  email_key text NOT NULL,
  expires_at timestamptz NOT NULL,
  -- A newer link takes the place of the older.
  PRIMARY KEY (user_id, purpose),
  CONSTRAINT email_links_token UNIQUE (token_hash)
);

-- Mails of one kind to one user within an hour, so that nobody floods a mailbox through us.
CREATE TABLE account_mails (
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind text NOT NULL,
  hour_began_at timestamptz NOT NULL DEFAULT now(),
  count int NOT NULL DEFAULT 1,
  PRIMARY KEY (user_id, kind)
);

CREATE TABLE known_devices (
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- SHA-256 of user agent and network.
  device bytea NOT NULL,
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, device)
);
