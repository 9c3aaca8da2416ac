// Hocuspocus, kept in memory: what it would store goes into a Map after its own debounce, so that a document can be opened again.
import { Server } from "@hocuspocus/server";
import * as Y from "yjs";

const states = new Map();

const server = new Server({
  address: "127.0.0.1",
  port: Number(process.argv[2]),
  quiet: true,
  async onLoadDocument({ document, documentName }) {
    const state = states.get(documentName);
    if (state) Y.applyUpdate(document, state);
    return document;
  },
  async onStoreDocument({ document, documentName }) {
    states.set(documentName, Y.encodeStateAsUpdate(document));
  },
  // How large it would be: the bench asks by HTTP.
  async onRequest({ request, response }) {
    const name = decodeURIComponent(request.url.slice(1));
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ bytes: states.get(name)?.length ?? 0 }));
    // So that it does not answer, too; it expects a rejection without a reason.
    throw null;
  },
});
await server.listen();
console.log("ready");
