-- When the user has proved that the address is his.
ALTER TABLE users ADD COLUMN IF NOT EXISTS email_verified_at timestamptz;
