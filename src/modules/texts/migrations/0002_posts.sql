-- The paragraphs of one post.
CREATE INDEX paragraphs_by_post ON paragraphs (post_id, id) WHERE post_id IS NOT NULL;

-- Takes deleted paragraphs out of the index of their project; returns its head, null when there is none. `p_places` and `p_docs`
-- say which of the counted ones are deleted and which numbers they had; `p_word_places`, `p_words` and `p_counts` are the words
-- of all that were counted. Each statement of a function sees what was committed before it began: the totals are those that
-- the last holder of the head's lock has left, which in a single statement they would not be.
CREATE FUNCTION texts_forget(
  p_project_id uuid, p_places integer[], p_docs integer[], p_word_places integer[], p_words text[], p_counts integer[]
) RETURNS text_indexes LANGUAGE plpgsql AS $$
DECLARE
  v_head text_indexes;
BEGIN
  UPDATE text_indexes
  SET tombstone_seq = tombstone_seq + cardinality(p_docs), tombstone_count = tombstone_count + cardinality(p_docs),
    document_count = document_count - cardinality(p_docs),
    occurrence_count = occurrence_count - (
      SELECT coalesce(sum(w.count), 0)
      FROM unnest(p_places) AS g (place) JOIN unnest(p_word_places, p_counts) AS w (place, count) USING (place))
  WHERE project_id = p_project_id RETURNING * INTO v_head;
  IF NOT FOUND THEN RETURN NULL; END IF;
  INSERT INTO text_tombstones (project_id, seq, doc)
  SELECT p_project_id, v_head.tombstone_seq - cardinality(p_docs) + d.n, d.doc
  FROM unnest(p_docs) WITH ORDINALITY AS d (doc, n);
  IF v_head.folded_doc > (SELECT min(d.doc) FROM unnest(p_docs) AS d (doc)) THEN
    UPDATE text_words t SET documents = t.documents - c.documents, occurrences = t.occurrences - c.occurrences
    FROM (
      SELECT w.word COLLATE "C" AS word, count(*)::integer AS documents, sum(w.count) AS occurrences
      FROM unnest(p_places, p_docs) AS g (place, doc)
      JOIN unnest(p_word_places, p_words, p_counts) AS w (place, word, count) USING (place)
      WHERE g.doc < v_head.folded_doc GROUP BY 1) AS c
    WHERE t.project_id = p_project_id AND t.word = c.word;
    DELETE FROM text_words WHERE project_id = p_project_id AND word = ANY (p_words) AND documents <= 0;
  END IF;
  RETURN v_head;
END $$;
