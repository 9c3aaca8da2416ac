-- The trail of who did what. No column is ever updated; days go whole, and a project's rows with the project.
CREATE TABLE audit_entries (
  -- In whole milliseconds, which every reader can hold exactly; ids tell the order within one.
  at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  id uuid NOT NULL,
  action text NOT NULL,
  -- Null: it is about an account alone.
  project_id uuid,
  actor_id uuid,
  subject text NOT NULL,
  address text,
  data jsonb NOT NULL CHECK (octet_length(data::text) <= 16384),
  PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX audit_entries_of_project ON audit_entries (project_id, at, id) WHERE project_id IS NOT NULL;
-- Of an account: what it did, and what was done to it.
CREATE INDEX audit_entries_by_account ON audit_entries (actor_id, at, id) WHERE project_id IS NULL;
CREATE INDEX audit_entries_on_account ON audit_entries (subject, at, id) WHERE project_id IS NULL;
CREATE TABLE audit_entries_default PARTITION OF audit_entries DEFAULT;

-- ASVS 16.4.2: whoever finds a way to the program's statements cannot rewrite what is written.
CREATE FUNCTION audit_entry_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'entries of the audit trail are never changed' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_entry_is_final BEFORE UPDATE ON audit_entries
  FOR EACH ROW EXECUTE FUNCTION audit_entry_is_final();
