-- Posts as they are now, what they were before, and the collections that hold them.
CREATE TABLE posts (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  title text NOT NULL,
  body text NOT NULL,
  -- UTF-16 code units of the body, so that pages can be bounded without reading it.
  length integer NOT NULL,
  path text,
  -- The path without case (path.ts), so that no two posts are one file on any system.
  path_key text COLLATE "C",
  author_id uuid NOT NULL,
  version integer NOT NULL DEFAULT 1,
  updated_by uuid NOT NULL,
  -- Counts every change of the row, deleting and restoring too: what was read is written only if it is still the same.
  revision integer NOT NULL DEFAULT 1,
  -- Of the current version against the one before.
  lines_added integer NOT NULL,
  lines_removed integer NOT NULL,
  restored_from integer,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  -- Set: seen only among the deleted ones, erased 30 days later.
  deleted_at timestamptz,
  CHECK ((path IS NULL) = (path_key IS NULL))
);
CREATE INDEX posts_by_project ON posts (project_id, id);
CREATE INDEX posts_by_author ON posts (project_id, author_id, id);
CREATE UNIQUE INDEX posts_path_taken ON posts (project_id, path_key) WHERE deleted_at IS NULL;

-- Versions before the current one, which is in posts alone.
CREATE TABLE post_versions (
  project_id uuid NOT NULL,
  post_id uuid NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  version integer NOT NULL,
  title text NOT NULL,
  body text NOT NULL,
  path text,
  author_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  lines_added integer NOT NULL,
  lines_removed integer NOT NULL,
  restored_from integer,
  PRIMARY KEY (post_id, version)
);
CREATE INDEX post_versions_by_project ON post_versions (project_id);

CREATE TABLE collections (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL,
  owner_id uuid NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX collections_by_project ON collections (project_id, id);
CREATE INDEX collections_by_owner ON collections (project_id, owner_id, id);

-- A deleted post keeps its row, and with it its place, until it is erased.
CREATE TABLE collection_posts (
  project_id uuid NOT NULL,
  collection_id uuid NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
  post_id uuid NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
  -- The order, lowest first. Changed under the lock of the collection's row.
  rank float8 NOT NULL,
  added_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (collection_id, post_id)
);
CREATE INDEX collection_posts_in_order ON collection_posts (collection_id, rank, post_id);
CREATE INDEX collection_posts_by_post ON collection_posts (post_id);
CREATE INDEX collection_posts_by_project ON collection_posts (project_id);
