// The text source of tests: a server on loopback that gives two paragraphs, so that no test asks the internet.

let address: string | undefined;

/** One for the test process; it holds nothing up at its end. */
export function testTextSource(): string {
  if (address === undefined) {
    const text = "The first paragraph of the source.\n\nThe second one, and the last.\n";
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(text) });
    server.unref();
    address = `http://127.0.0.1:${server.port}/paragraphs`;
  }
  return address;
}
