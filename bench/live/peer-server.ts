// A peer of the live feed, told its library by the command line: takes a write over HTTP and broadcasts it, durable nowhere.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { Server as SocketIoServer } from "socket.io";
import { WebSocketServer } from "ws";

/** Gives the function that sends an event to everyone connected. */
const LIBRARIES = { ws: serveWs, "socket.io": serveSocketIo } as const;

interface Event {
  readonly type: "event";
  readonly [member: string]: unknown;
}

// The parent names one of them.
await serve(process.argv[2] as keyof typeof LIBRARIES);

async function serve(library: keyof typeof LIBRARIES): Promise<void> {
  let seq = 0;
  const server = createServer(async (request, response) => {
    const { name } = JSON.parse(await textOf(request)) as { name: string };
    broadcast(toEvent(++seq, name));
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ seq }));
  });
  // Node closes a connection after 5 s without a request, also when one is on its way and it was only late to read it.
  server.keepAliveTimeout = 0;
  const broadcast = LIBRARIES[library](server);
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (typeof address === "object") process.stdout.write(`${address?.port}\n`);
  });
}

function serveWs(server: Server): (event: Event) => void {
  const wss = new WebSocketServer({ server });
  return (event) => {
    // Encoded once: the fastest way that its documentation shows.
    const bytes = Buffer.from(JSON.stringify(event));
    for (const client of wss.clients) client.send(bytes, { binary: false });
  };
}

function serveSocketIo(server: Server): (event: Event) => void {
  const io = new SocketIoServer(server, { transports: ["websocket"] });
  return (event) => void io.emit("event", event);
}

/** As long as ours, member for member. */
function toEvent(seq: number, name: string): Event {
  return {
    type: "event",
    project_id: randomUUID(),
    seq,
    id: randomUUID(),
    event: "project.updated",
    actor_id: randomUUID(),
    subject: randomUUID(),
    data: { fields: ["name"], name },
    at: new Date().toISOString(),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
