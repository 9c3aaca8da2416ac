-- Looked up with every change; the row of the document, which each change takes, says as much.
ALTER TABLE coedit_changes DROP CONSTRAINT coedit_changes_post_id_fkey;
