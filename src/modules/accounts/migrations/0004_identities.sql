-- Identities at outside issuers, with which people sign in, and the one-time codes that end such a sign-in.
ALTER TABLE users ADD COLUMN IF NOT EXISTS email_verified_at timestamptz;
-- Who signs in with an issuer alone has no password.
ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL;

CREATE TABLE identities (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  -- Issuer and subject are the identity; the address is only shown.
  issuer text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  email text,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT identities_one_user UNIQUE (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_id, id);

CREATE TABLE sign_in_codes (
  -- SHA-256 of the state: a sign-in gives one code, however often its callback is called.
  state_hash bytea PRIMARY KEY,
  -- SHA-256 of the code.
  code_hash bytea NOT NULL UNIQUE,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  issuer text NOT NULL,
  -- SHA-256 of what the client must show with the code; null when it asked for none.
  challenge bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  used_at timestamptz
);
CREATE INDEX sign_in_codes_by_user ON sign_in_codes (user_id);
CREATE INDEX sign_in_codes_by_creation ON sign_in_codes (created_at);
