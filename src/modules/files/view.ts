// What of a stored file leaves the server.
import { z } from "zod";
import type { StoredFile } from "../../kernel/files/index.ts";

const time = z.iso.datetime();

export const fileView = z
  .strictObject({
    id: z.uuid(),
    project_id: z.uuid(),
    owner_id: z.uuid().meta({ description: "Who sent it, or for whom a job made it." }),
    name: z.string(),
    size: z.int().meta({ description: "Bytes." }),
    sha256: z.string().meta({ description: "Of its bytes, in hex; also the ETag of its content." }),
    content_type: z.string(),
    created_at: time,
    expires_at: time
      .nullable()
      .meta({ description: "From then on it is not there; null: until it is deleted." }),
    url: z.url().meta({ description: "Its bytes, for who may read the project." }),
  })
  .meta({ id: "File" });

export function toFileView(file: StoredFile, url: string): z.infer<typeof fileView> {
  return {
    id: file.id,
    project_id: file.projectId,
    owner_id: file.ownerId,
    name: file.name,
    size: file.size,
    sha256: file.sha256,
    content_type: file.contentType,
    created_at: file.createdAt.toISOString(),
    expires_at: file.expiresAt?.toISOString() ?? null,
    url,
  };
}
