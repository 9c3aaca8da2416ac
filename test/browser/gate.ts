// A network between the pages and the server that can be cut: what goes through it ends without a word.
import { createServer, connect as dial, type Socket } from "node:net";

export interface Gate {
  /** Such as http://127.0.0.1:40000. */
  readonly url: string;
  /** Ends what goes through now; what comes afterwards passes. */
  cut(): void;
  stop(): Promise<void>;
}

export async function openGate(port: number): Promise<Gate> {
  const open = new Set<Socket>();
  const keep = (socket: Socket, other: Socket) => {
    open.add(socket);
    socket
      .on("error", () => {})
      .on("close", () => {
        open.delete(socket);
        other.destroy();
      });
  };
  const server = createServer((page) => {
    const inner = dial(port, "127.0.0.1");
    keep(page, inner);
    keep(inner, page);
    page.pipe(inner).pipe(page);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    cut,
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
