import { afterAll, beforeAll, expect, test } from "bun:test";
import { createProject, type Person, signUp } from "../../../testing/requests.ts";
import { openTestServer, type TestServer } from "../../../testing/server.ts";
import { createRenderer } from "./index.ts";
import { createMarkdownRenderer } from "./markdown.ts";

const toHtml = createMarkdownRenderer();
const REL = 'rel="nofollow ugc noopener noreferrer"';

test("[PST-8] Markdown becomes HTML", () => {
  const cases: [markdown: string, html: string][] = [
    ["# A *b* **c**", "<h1>A <em>b</em> <strong>c</strong></h1>\n"],
    ["a  \nb ~~c~~ `d<e>`", "<p>a<br>\nb <s>c</s> <code>d&lt;e&gt;</code></p>\n"],
    ["3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>\n'],
    ["```ts\nlet a = 1 < 2;\n```", '<pre><code class="language-ts">let a = 1 &lt; 2;\n</code></pre>\n'],
    ["> q\n\n---", "<blockquote>\n<p>q</p>\n</blockquote>\n<hr>\n"],
    ['[a](notes/a(1).md "t")', `<p><a href="notes/a(1).md" title="t" ${REL}>a</a></p>\n`],
    [
      "https://a.org/?b=c&d notes.md a@b.org",
      `<p><a href="https://a.org/?b=c&amp;d" ${REL}>https://a.org/?b=c&amp;d</a> notes.md a@b.org</p>\n`,
    ],
    [
      "![a](https://b.org/c.png)",
      '<p><img src="https://b.org/c.png" alt="a" loading="lazy" referrerpolicy="no-referrer"></p>\n',
    ],
  ];
  for (const [markdown, html] of cases) expect([markdown, toHtml(markdown)]).toEqual([markdown, html]);
  expect(toHtml("|a|b|\n|:-|-|\n|1|2|")).toContain('<th align="left">a</th>\n<th>b</th>');
});

/** What may stand in the HTML at all: every tag and every attribute, in full; empty values are bare. */
const TAG =
  /^<(?:\/?(?:p|h[1-6]|ul|ol|li|blockquote|pre|code|em|strong|s|table|thead|tbody|tr|th|td|a)|hr|br|(?:a|img|ol|code|th|td)(?: (?:href|src|title|alt|class)(?=[ >])| (?:title|alt)="[^"<>]*"| (?:href|src)="(?:(?:https?:|mailto:)[^"<>\s]*|(?![a-z][a-z\d+.-]*:)[^"<>\s]*)"| rel="nofollow ugc noopener noreferrer"| loading="lazy"| referrerpolicy="no-referrer"| start="\d+"| class="language-[\w+#.-]+"| align="(?:left|right|center)")*)>$/i;

function unsafeIn(html: string): string[] {
  return [...html.matchAll(/<[^>]*>?/g)].map(([tag]) => tag).filter((tag) => !TAG.test(tag));
}

const HOSTILE = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg><style><img src=x onerror=alert(1)></style></svg>",
  "<iframe src=javascript:alert(1)></iframe>",
  "<form action=x><input name=location></form>",
  "<a href='x' id=\"body\" name=cookie>",
  "[a](javascript:alert(1))",
  "[a](JaVaScRiPt:alert(1))",
  "[a](&#106;avascript:alert(1))",
  "[a](java&#10;script:alert(1))",
  "[a](java&Tab;script:alert(1))",
  "[a](javascript&colon;alert(1))",
  "[a](\u0001javascript:alert(1))",
  "[a](vbscript:x) [b](file:///etc/passwd) [c](data:text/html,<script>)",
  "<javascript:alert(1)>",
  "![a](javascript:alert(1))",
  "![a](data:image/svg+xml;base64,PHN2Zz4=)",
  '[a](http://x/"onmouseover=alert(1))',
  "[a](<http://x/ onmouseover=alert(1)>)",
  '[a](http://x "\'onmouseover=alert(1)//")',
  '![" onerror="alert(1)](x)',
  "[a]: javascript:alert(1)\n\n[a]",
  '```" onclick="alert(1)\nx\n```',
  "```x onclick=alert(1)\ny\n```",
  "|a|\n|:-:|\n|<b onclick=x>|",
  "`<script>`\n\n    <script>",
  "\0<script\0>",
  "[\n](\n<script>)",
  '<a href="javascript:x">[b](c)</a>',
  "&lt;script&gt;alert(1)&lt;/script&gt;",
  "**<b>*a**</b>*",
];

test("[PST-8] nothing that an author writes gets out as anything but listed elements", () => {
  for (const text of HOSTILE) expect([text, unsafeIn(toHtml(text))]).toEqual([text, []]);
  // All of them inside each other's places, too.
  for (const outer of HOSTILE)
    for (const inner of HOSTILE)
      expect([outer, inner, unsafeIn(toHtml(outer.replace("a", () => inner)))]).toEqual([outer, inner, []]);
  expect(unsafeIn('<p onclick="x">')).toEqual(['<p onclick="x">']);
});

test("[PST-8] texts made to be slow are rendered all the same", () => {
  const size = 100_000;
  const slow = [
    "[",
    "[a](",
    ">",
    "![",
    "*a _b ",
    "a**b",
    "<",
    "[a](<b",
    "![[]()",
    "~~a",
    "1. ",
    "<a ",
    "<!--",
    '[a](b "',
    "a|",
    "`a",
    "- ",
    "&#x",
  ].map((piece) => piece.repeat(size / piece.length));
  for (const text of slow) {
    const started = performance.now();
    expect(unsafeIn(toHtml(text)).slice(0, 5)).toEqual([]);
    // Seconds of slack for a busy machine; what is not linear takes minutes.
    expect(performance.now() - started).toBeLessThan(10_000);
  }
});

test("[PST-8] what takes too long is refused, and the next text is rendered", async () => {
  const renderer = createRenderer({ deadlineMs: 400, maxWaiting: 3 });
  await renderer.start();
  const slow = "[a](http://b.org/c) **d**\n\n".repeat(1_000_000);
  const results = await Promise.allSettled([
    renderer.render("slow", slow),
    renderer.render("quick", "*a*"),
    renderer.render("third", "*b*"),
    renderer.render("fourth", "*c*"),
  ]);
  const shown = results.map((result) => (result.status === "fulfilled" ? result.value : result.reason.code));
  expect(shown[0]).toBe("POST_NOT_RENDERED");
  expect(shown[3]).toBe("RENDERING_BUSY");
  // A thread that has just been started may be slow itself on a busy machine, so it is asked until it is not.
  for (let tries = 0; shown[1] !== "<p><em>a</em></p>\n" && tries < 20; tries++)
    shown[1] = await renderer.render("quick", "*a*").catch((error) => error.code);
  expect(shown[1]).toBe("<p><em>a</em></p>\n");
  await renderer.stop();
  expect(await renderer.render("late", "a").catch((error) => error.code)).toBe("RENDERING_BUSY");
  expect(await renderer.render("quick", "*a*")).toBe("<p><em>a</em></p>\n");
});

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await openTestServer({ works: false });
  ada = await signUp(server);
});
afterAll(() => server.stop());

test("[PST-8] a post is read as HTML with its version, and not sent again while it is the same", async () => {
  const project_id = await createProject(ada);
  const created = await ada.call("POST", "/posts", { title: "A", body: "*one* <b>", project_id });
  const path = `/posts/${created.body.id}/rendered`;
  const first = await ada.call("GET", path);
  const html = "<p><em>one</em> &lt;b&gt;</p>\n";
  expect([first.status, first.body]).toEqual([200, { id: created.body.id, version: 1, html }]);
  expect(first.headers.get("ETag")).toBe('"1"');
  expect((await ada.call("GET", path)).body).toEqual(first.body);
  expect((await ada.call("GET", path, undefined, { "If-None-Match": '"1"' })).status).toBe(304);
  await ada.call("PATCH", `/posts/${created.body.id}`, { body: "**two**" });
  const second = await ada.call("GET", path, undefined, { "If-None-Match": '"1"' });
  expect(second.body).toMatchObject({ version: 2, html: "<p><strong>two</strong></p>\n" });
});
