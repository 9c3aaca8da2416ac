// What of texts leaves the server.
import { z } from "zod";
import { createdMsOf, PARAGRAPH_SOURCES, type Paragraph } from "./model.ts";

export const paragraphStatus = z.enum(["pending", "analysed"]);

export const paragraphView = z
  .strictObject({
    id: z.uuid(),
    project_id: z.uuid(),
    author_id: z.uuid(),
    post_id: z.uuid().nullable().meta({ description: "The post it is a part of, if any." }),
    source: z.enum(PARAGRAPH_SOURCES).meta({
      description: "How it came: handed in, from a file, fetched from an address, or as a part of a post.",
    }),
    content: z.string(),
    lang: z.string().nullable().meta({
      description:
        "Its language as in ISO 639-1, given or recognised; `und` when none was, null while it is pending.",
    }),
    status: paragraphStatus,
    word_count: z.int().nullable().meta({ description: "Null while it is pending." }),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "Paragraph" });

export function toParagraphView(paragraph: Paragraph): z.infer<typeof paragraphView> {
  const { analysis } = paragraph;
  return {
    id: paragraph.id,
    project_id: paragraph.projectId,
    author_id: paragraph.authorId,
    post_id: paragraph.postId,
    source: paragraph.source,
    content: paragraph.content,
    lang: paragraph.lang,
    status: analysis.state,
    word_count: analysis.state === "analysed" ? analysis.wordCount : null,
    created_at: new Date(createdMsOf(paragraph.id)).toISOString(),
  };
}
