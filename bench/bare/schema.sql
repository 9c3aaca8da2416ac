-- The tables of the bare loop: the least that the same question needs, without checks, jobs or retention.
CREATE TABLE members (project_id uuid, user_id uuid, role text NOT NULL, PRIMARY KEY (project_id, user_id));
CREATE TABLE paragraphs (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  author_id uuid NOT NULL,
  content text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE heads (project_id uuid PRIMARY KEY, seq bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
CREATE TABLE events (project_id uuid, seq bigint, subject uuid NOT NULL, data jsonb NOT NULL, PRIMARY KEY (project_id, seq));
CREATE TABLE word_counts (
  project_id uuid,
  word text COLLATE "C",
  count int,
  paragraph_id uuid,
  PRIMARY KEY (project_id, word, count, paragraph_id)
);
