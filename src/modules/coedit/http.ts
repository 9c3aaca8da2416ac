// The route of co-editing: a WebSocket to a post's document.
import { z } from "zod";
import { kernelErrors } from "../../kernel/errors/index.ts";
import { type Route, route, type SocketHandler } from "../../kernel/http/index.ts";
import { newId } from "../../kernel/ids/index.ts";
import { type Entrance, proofQuery } from "../live/index.ts";
import type { ConnectionRequest } from "./connection.ts";

export interface CoeditRouteDeps {
  readonly entrance: Entrance;
  readonly connect: (request: ConnectionRequest) => Promise<SocketHandler>;
}

const receipts = z
  .enum(["true", "false"])
  .optional()
  .meta({ description: "`true`: auth messages of kind 2 say how many of one's updates are stored." });

export function coeditRoutes({ entrance, connect }: CoeditRouteDeps): Route[] {
  return [
    route(
      {
        method: "GET",
        path: "/api/v1/coedit/{post_id}",
        operationId: "connectCoedit",
        tag: "coedit",
        summary: "Write a post together, over a WebSocket",
        description:
          "Binary frames of the y-websocket protocol (sync and awareness); the text type `body` is the post's body. An edit is stored before it is relayed or answered. Say who you are by a header, a ticket, a token, or a first text frame {type: hello, token}. Viewers read. Close codes 44xx are final.",
        access: "public",
        takesProof: true,
        params: z.strictObject({ post_id: z.uuid().toLowerCase() }),
        query: z.strictObject({ ...proofQuery, receipts }),
        responses: { 101: { description: "The connection is a WebSocket." } },
        errors: [kernelErrors.ORIGIN_FORBIDDEN, kernelErrors.UPGRADE_REQUIRED],
      },
      // Whoever is refused is told so by a close code: browsers do not show the status of a refused upgrade.
      async ({ request, params, query, address, upgrade }) => {
        const proof = request.headers.has("upgrade") ? entrance.proofOf(request, query) : undefined;
        proof?.catch(() => {});
        const wantsReceipts = query.receipts === "true";
        const postId = params.post_id.toLowerCase();
        const hasTokenInAddress = query.access_token !== undefined;
        const id = newId();
        return upgrade(await connect({ id, address, postId, wantsReceipts, hasTokenInAddress, proof }));
      },
    ),
  ];
}
