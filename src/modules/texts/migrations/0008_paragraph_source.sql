-- How a paragraph came: 'import' from a file, 'fetch' from an address; null where the column post_id says it: of a post, else handed in.
ALTER TABLE paragraphs ADD COLUMN source text;
UPDATE paragraphs SET source = 'fetch' WHERE id IN (SELECT paragraph_id FROM text_sources);
