-- Invitations by email, deletion that can be taken back, and access that holds to the end of a write.
ALTER TABLE projects
  -- When it may be erased; set with deleted_at.
  ADD COLUMN deletes_at timestamptz,
  -- Tells one deletion from the next: the job of one that was taken back must not end a later one early.
  ADD COLUMN deletion_id uuid,
  -- Set when the erasing begins: from then on there is no way back.
  ADD COLUMN erasing_since timestamptz;
-- Those deleted before have a job that comes after 7 days, unless it was set otherwise: it looks for itself.
UPDATE projects SET deletes_at = deleted_at + interval '7 days' WHERE deleted_at IS NOT NULL;

CREATE TABLE project_invitations (
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  id uuid NOT NULL UNIQUE,
  -- To show to the owner, and folded to compare.
  email text NOT NULL,
  email_key text NOT NULL,
  role text NOT NULL CHECK (role IN ('collaborator', 'viewer')),
  invited_by uuid NOT NULL,
  invited_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, email_key)
);
CREATE INDEX project_invitations_by_email ON project_invitations (email_key, id);
CREATE INDEX project_invitations_by_expiry ON project_invitations (expires_at);

-- What was invited in the last day, to bound it; kept apart, so that withdrawing an invitation gives no room for another mail.
CREATE TABLE project_invitation_mails (
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  invited_by uuid NOT NULL,
  email_key text NOT NULL,
  was_mailed boolean NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX project_invitation_mails_by_project ON project_invitation_mails (project_id, at);
CREATE INDEX project_invitation_mails_by_inviter ON project_invitation_mails (invited_by, at);
CREATE INDEX project_invitation_mails_by_email ON project_invitation_mails (email_key, at);
CREATE INDEX project_invitation_mails_by_time ON project_invitation_mails (at);

-- A member's access, as it stays until the caller's transaction ends: changes of roles wait for it, and it for them. Being
-- volatile, the second statement sees what was committed while the first one waited; a subquery of the caller would not.
CREATE FUNCTION projects_write_access(p_project_id uuid, p_user_id uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  -- Nobody's role in a personal project ever changes.
  IF p_project_id <> p_user_id THEN
    PERFORM pg_advisory_xact_lock_shared(hashtext('project access'), hashtext(p_project_id::text));
  END IF;
  RETURN (
    SELECT CASE WHEN pr.status = 'archived' THEN m.role || '/archived' ELSE m.role END
    FROM project_members m JOIN projects pr ON pr.id = m.project_id
    WHERE m.project_id = p_project_id AND m.user_id = p_user_id AND pr.deleted_at IS NULL);
END $$;
