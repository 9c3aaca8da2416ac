import { expect, test } from "bun:test";
import { bestOf, msOf } from "../../../testing/best-of.ts";
import { readFeed } from "./feed.ts";
import { readHtml } from "./html.ts";
import { decodeText, kindOf } from "./kind.ts";
import { createPageReader } from "./page-reader.ts";

const LONG = "The whale is a large animal, and as far as anybody knows it lives in the sea. "
  .repeat(6)
  .trim();

test("[TXT-81] of a page remains what is worth reading, block by block", () => {
  const page = `<!doctype html><html><head><title>The sea</title><style>p{}</style></head><body>
    <nav><a href="/">Home</a><a href="/about">About</a></nav><script>steal()</script>
    <article><h1>On whales</h1><p>${LONG}</p><p>Second, <b>bold</b>   &amp; &eacute;t&eacute;.<br>A new line. ${LONG}</p>
    <ul><li>one</li><li>two</li></ul><pre>kept\n  as it is</pre><table><tr><td>x</td><td>y</td></tr><tr><td>1</td><td>2</td></tr></table>
    <div>Loose text<div>and inner</div></div></article><footer>Copyright</footer></body></html>`;
  expect(readHtml(page)).toEqual([
    "On whales",
    LONG,
    `Second, bold & été.\nA new line. ${LONG}`,
    "one\ntwo",
    "kept\n  as it is",
    "x y\n1 2",
    "Loose text",
    "and inner",
  ]);
});

test("[TXT-81] a page of which nothing stands out is read whole, with or without the tags that may be left out", () => {
  for (const page of [
    "<p>One.</p><p>Two.</p><script>x</script>",
    "<!doctype html><title>T</title><p>One.<p>Two.",
    "<body><p>One.</p><p>Two.</p></body>",
    "<html><p>One.</p><body><p>Two.</p></body></html>",
    "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head/><body><p>One.</p><p>Two.</p></body></html>",
  ])
    expect([page, readHtml(page)]).toEqual([page, ["One.", "Two."]]);
  expect(readHtml("<p> <script>x</script></p>")).toEqual([]);
});

test("[TXT-81] of a feed each entry gives its title and its text", () => {
  const rss = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "boom"><!ENTITY b "&a;&a;">]><rss version="2.0"
    xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>T</title><item><title>One &amp; only</title>
    <description>&lt;p&gt;Short&lt;/p&gt;</description><content:encoded><![CDATA[<p>First.</p><p>Second &b;.</p>]]></content:encoded>
    </item><item><description>Plain\n\ntwo</description></item></channel></rss>`;
  expect(readFeed(rss)).toEqual(["One & only", "First.", "Second &b;.", "Plain", "two"]);
  const atom = `<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><entry><title type="html">E1 &amp;amp; co</title>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Alpha <b>beta</b></p><p>Gamma</p></div></content></entry>
    <entry><title>E2</title><summary>Sum</summary></entry></feed>`;
  expect(readFeed(atom)).toEqual(["E1 & co", "Alpha beta", "Gamma", "E2", "Sum"]);
  const json = {
    version: "https://jsonfeed.org/version/1.1",
    title: "x",
    items: [
      { id: "1", title: "t", content_text: "hey\n\nyou" },
      { id: "2", content_html: "<p>h</p>" },
    ],
  };
  expect(readFeed(JSON.stringify(json))).toEqual(["t", "hey", "you", "h"]);
  for (const none of ["<rss", "<html></html>", "{}", "[1]", ""]) expect(() => readFeed(none)).toThrow();
});

test("[TXT-80] what a text is says its type, else how it begins or is called", () => {
  const cases: [type: string, path: string, text: string, kind: string | undefined][] = [
    ["text/plain; charset=utf-8", "/a", "Text.", "text"],
    ["text/html", "/a", "Plain text that is called HTML.\n\nTwo.", "text"],
    ["text/html", "/a", "<p>A", "html"],
    ["text/plain", "/a.md", "# A", "markdown"],
    ["text/markdown", "/a", "<b>", "markdown"],
    ["application/octet-stream", "/README.md", "# A", "markdown"],
    ["", "/a", "<!DOCTYPE html><p>", "html"],
    ["", "/a", '<?xml version="1.0"?>\n<rss version="2.0">', "feed"],
    ["application/xml", "/a", "<feed>", "feed"],
    ["", "/a", "a\0b", undefined],
    ["application/pdf", "/a", "%PDF", undefined],
    ["image/png", "/a", "x", undefined],
  ];
  for (const [type, path, text, kind] of cases)
    expect([type, text, kindOf(type, path, text)]).toEqual([type, text, kind]);
  const latin = (text: string) => Buffer.from(text, "latin1");
  expect(decodeText(latin("\xe9t\xe9"), "text/plain; charset=iso-8859-1")).toBe("été");
  expect(decodeText(latin('<meta charset="windows-1252">\x80'), "text/html")).toEndWith("€");
  expect(decodeText(latin('<?xml version="1.0" encoding="ISO-8859-1"?>\xe9'), "text/xml")).toEndWith("é");
  expect(decodeText(Buffer.from("\ufeffé"), "text/plain; charset=nonsense")).toBe("é");
});

test("[TXT-86] a page that keeps its reader busy is given up, and the next one is read", async () => {
  const tookMs = await bestOf(250, async () => {
    const pages = createPageReader(300);
    const hostile = pages
      .read({ kind: "html", text: `${"<div>".repeat(60_000)}x` })
      .catch((error) => error.code);
    // Nobody else waits for it: this thread goes on.
    const ms = await msOf(() => new Promise((resolve) => setImmediate(resolve)));
    expect(await hostile).toBe("SOURCE_NOT_READ");
    return ms;
  });
  expect(tookMs).toBeLessThan(250);
  const patient = createPageReader();
  expect(await patient.read({ kind: "html", text: "<p>Next.</p>" })).toEqual(["Next."]);
  const many = Array.from({ length: 12 }, () =>
    patient.read({ kind: "feed", text: "none" }).catch((error) => error.code),
  );
  await patient.stop();
  expect(new Set(await Promise.all(many))).toEqual(new Set(["SOURCE_BUSY"]));
});
