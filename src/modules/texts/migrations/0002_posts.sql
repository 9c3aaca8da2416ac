-- The paragraphs of one post.
CREATE INDEX paragraphs_by_post ON paragraphs (post_id, id) WHERE post_id IS NOT NULL;
