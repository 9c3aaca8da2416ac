-- Mails that wait to be sent. What they say may hold a one-time link: it is sealed, and gone once it is sent.
CREATE TABLE mails (
  id uuid PRIMARY KEY,
  -- Recipient, subject and text as JSON, encrypted under SECRET_KEY and bound to the id.
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mails_by_creation ON mails (created_at);
