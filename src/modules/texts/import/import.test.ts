import { expect, test } from "bun:test";
import { createChance } from "../../../testing/chance.ts";
import { MAX_CONTENT_UNITS } from "../model.ts";
import { IMPORT_TYPES, type ImportType, type Piece, readPieces } from "./index.ts";

const refusals = { notUtf8: () => new Error("not UTF-8"), noContentColumn: () => new Error("no column") };

async function* inChunks(bytes: Uint8Array, nextSize: () => number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; ) {
    const to = from + nextSize();
    // The memory of a chunk is the stream's, which uses it again.
    const chunk = new Uint8Array(bytes.subarray(from, to));
    yield chunk;
    chunk.fill(0);
    from = to;
  }
}

async function read(type: ImportType, text: string | Uint8Array, nextSize = () => 65_536): Promise<Piece[]> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const pieces: Piece[] = [];
  for await (const some of readPieces(inChunks(bytes, nextSize), type, refusals)) pieces.push(...some);
  return pieces;
}

/** Line and content, or line and code. */
type Shown = [number, string | { code: string }];
const shown = (pieces: readonly Piece[]) =>
  pieces.map(
    (piece): Shown => [piece.line, piece.kind === "paragraph" ? piece.content : { code: piece.code }],
  );

type Case = readonly [text: string | Uint8Array, pieces: Shown[]];

const CASES: Readonly<Record<string, readonly [type: ImportType, cases: readonly Case[]]>> = {
  "[TXT-17] line ends and the byte-order mark": [
    "text/plain",
    [
      [
        "\ufeffone\ntwo\n\nthree",
        [
          [1, "one two"],
          [4, "three"],
        ],
      ],
      [
        "\ufeffone\r\ntwo\r\n\r\nthree\r\n",
        [
          [1, "one two"],
          [4, "three"],
        ],
      ],
      [
        "one\rtwo\r\rthree\r",
        [
          [1, "one two"],
          [4, "three"],
        ],
      ],
      [
        "\n\n \t \n\u00a0\na\n\n\n\nb\n\n",
        [
          [5, "a"],
          [9, "b"],
        ],
      ],
      // Elsewhere it is a character of the text.
      [
        "a\n\nb\ufeffc",
        [
          [1, "a"],
          [3, "b\ufeffc"],
        ],
      ],
      ["\r", []],
      ["", []],
    ],
  ],
  "[TXT-18] hard-wrapped lines are joined": [
    "text/plain",
    [
      ["  Call me\n    Ishmael.  Some\nyears ago\n", [[1, "Call me Ishmael.  Some years ago"]]],
      ["well-\nknown or--\nas he - \nsaid", [[1, "well-known or--as he - said"]]],
      ["三国\n演义 a\n中\n", [[1, "三国演义 a 中"]]],
      ["コー\nヒー", [[1, "コーヒー"]]],
    ],
  ],
  "[TXT-19] Markdown keeps the lines that mean something": [
    "text/markdown",
    [
      [
        "# Title\ntext\ngoes on\n## Next\n\n#no heading",
        [
          [1, "# Title"],
          [2, "text goes on"],
          [4, "## Next"],
          [6, "#no heading"],
        ],
      ],
      [
        "Title\n=====\nSub\n---\ntext",
        [
          [1, "Title\n====="],
          [3, "Sub\n---"],
          [5, "text"],
        ],
      ],
      [
        "a\n\n* * *\n\nb\n\n___\nc",
        [
          [1, "a"],
          [5, "b"],
          [8, "c"],
        ],
      ],
      [
        "```js\nlet a\n\n\n  b\n```\nafter",
        [
          [1, "```js\nlet a\n\n\n  b\n```"],
          [7, "after"],
        ],
      ],
      [
        "before\n~~~~\na\n~~~\n```\nb\n~~~~\n",
        [
          [1, "before"],
          [2, "~~~~\na\n~~~\n```\nb\n~~~~"],
        ],
      ],
      ["```\nnever closed\n\nat all", [[1, "```\nnever closed\n\nat all"]]],
      [
        "- one\n  wraps\n- two\n1. three\n\n* four",
        [
          [1, "- one wraps\n- two\n1. three"],
          [6, "* four"],
        ],
      ],
      ["| a | b |\n|---|---|\n| 1 | 2 |", [[1, "| a | b |\n|---|---|\n| 1 | 2 |"]]],
      ["> said\n> he", [[1, "> said\n> he"]]],
      ["hard  \nbreak\\\nand not", [[1, "hard\nbreak\nand not"]]],
      [
        "    code\n      more\n\ntext\n    wraps",
        [
          [1, "    code\n      more"],
          [4, "text wraps"],
        ],
      ],
      [
        "---\ntitle: x\n\ntags: y\n---\ntext",
        [
          [1, "---\ntitle: x\n\ntags: y\n---"],
          [6, "text"],
        ],
      ],
    ],
  ],
  "[TXT-20] CSV": [
    "text/csv",
    [
      [
        "content\none\ntwo\n",
        [
          [2, "one"],
          [3, "two"],
        ],
      ],
      [
        "\ufeffid, Content ,x\r\n1,one,y\r\n2,two\r\n",
        [
          [2, "one"],
          [3, "two"],
        ],
      ],
      ['a;"content";b\n1;"x;y";2\n', [[2, "x;y"]]],
      ["a\tCONTENT\n1\tx,y\n", [[2, "x,y"]]],
      ['"last, first",content\n"a, b",c\n', [[2, "c"]]],
      [
        'content\n"he said ""no"""\n"over\n\nlines",x\n',
        [
          [2, 'he said "no"'],
          [3, "over\n\nlines"],
        ],
      ],
      [
        'content\n""\n\n" "\n',
        [
          [2, { code: "EMPTY_PARAGRAPH" }],
          [4, { code: "EMPTY_PARAGRAPH" }],
        ],
      ],
      [
        "id,content\n1\n2,b\n3,\n",
        [
          [2, { code: "CONTENT_MISSING" }],
          [3, "b"],
          [4, { code: "EMPTY_PARAGRAPH" }],
        ],
      ],
      [
        'content,b\n"a"x,1\nnext,"y\n',
        [
          [2, { code: "INVALID_CSV" }],
          [3, { code: "INVALID_CSV" }],
        ],
      ],
      ['content\na"b\n', [[2, 'a"b']]],
    ],
  ],
  "[TXT-21] NDJSON": [
    "application/x-ndjson",
    [
      [
        '"one"\n{"content":"two","id":7}\r\n\r\n  "thr\\nee"  ',
        [
          [1, "one"],
          [2, "two"],
          [4, "thr\nee"],
        ],
      ],
      [
        '{"contents":"a"}\n7\nnull\n[]\n{"content":7}',
        [1, 2, 3, 4, 5].map((line) => [line, { code: "CONTENT_MISSING" }]),
      ],
      [
        '{\n"a" "b"\n""\n',
        [
          [1, { code: "INVALID_JSON" }],
          [2, { code: "INVALID_JSON" }],
          [3, { code: "EMPTY_PARAGRAPH" }],
        ],
      ],
      [
        '"\\ud800"\n"a\\u0000b"',
        [
          [1, { code: "INVALID_TEXT" }],
          [2, { code: "INVALID_TEXT" }],
        ],
      ],
      [
        `${"[".repeat(50_000)}\n"after"`,
        [
          [1, { code: "INVALID_JSON" }],
          [2, "after"],
        ],
      ],
    ],
  ],
  "[TXT-22] in a text what is no paragraph is rejected alone": [
    "text/plain",
    [
      [
        Buffer.from("good\n\nbad \xff\nmore\n\nfine", "latin1"),
        [
          [1, "good"],
          [3, { code: "INVALID_UTF8" }],
          [6, "fine"],
        ],
      ],
      [
        "a\0b\n\nc",
        [
          [1, { code: "INVALID_TEXT" }],
          [3, "c"],
        ],
      ],
    ],
  ],
};

for (const [title, [type, cases]] of Object.entries(CASES)) {
  test(title, async () => {
    for (const [text, expected] of cases) {
      // Whole, and byte by byte.
      expect([text, shown(await read(type, text))]).toEqual([text, expected]);
      expect([text, shown(await read(type, text, () => 1))]).toEqual([text, expected]);
    }
  });
}

test("[TXT-17] in whatever chunks a file arrives, it reads the same", async () => {
  const chance = createChance("chunks");
  const parts = [
    "a",
    "word",
    "é",
    "数",
    "🐋",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    "\r\n\r\n",
    '"',
    '""',
    ",",
    ";",
    "content",
    "```",
    "- ",
    "# ",
    " ",
    "    ",
    "\ufeff",
    "{",
    "}",
    '{"content":"x"}',
    "\xff",
    "---",
    "\0",
  ];
  for (let round = 0; round < 3_000; round++) {
    const type = IMPORT_TYPES[chance.below(IMPORT_TYPES.length)] ?? "text/plain";
    const text = Array.from({ length: 1 + chance.below(40) }, () => parts[chance.below(parts.length)]).join(
      "",
    );
    const head = type === "text/csv" ? "content,b\n" : "";
    // A lone byte in the place of each ÿ: it is no UTF-8.
    const bytes = Buffer.from(head + text)
      .toString("latin1")
      .replaceAll("Ã¿", "\xff");
    const file = Buffer.from(bytes, "latin1");
    const whole = await read(type, file);
    expect([text, await read(type, file, () => 1 + chance.below(7))]).toEqual([text, whole]);
  }
});

test("[TXT-22] what is longer than a paragraph is rejected whole, in every format", async () => {
  const long = "x".repeat(MAX_CONTENT_UNITS);
  const files: readonly (readonly [ImportType, string])[] = [
    ["text/plain", `${long}\n\n${long}y\n\n${"wrapped\n".repeat(20_000)}\nok`],
    ["text/markdown", `${long}\n\n${long}y\n\n\`\`\`\n${"code\n".repeat(30_000)}\`\`\`\nok`],
    ["text/csv", `content\n${long}\n"${long}y"\n"${"over\n".repeat(30_000)}"\nok`],
    [
      "application/x-ndjson",
      `"${long}"\n"${long}y"\n{"content":"${"\\u0061".repeat(MAX_CONTENT_UNITS + 1)}"}\n"ok"`,
    ],
  ];
  for (const [type, file] of files) {
    const pieces = await read(type, file);
    const found = pieces.map((piece) => (piece.kind === "paragraph" ? piece.content.length : piece.code));
    expect([type, found]).toEqual([type, [long.length, "PARAGRAPH_TOO_LONG", "PARAGRAPH_TOO_LONG", 2]]);
  }
});

test("[TXT-23] a file in UTF-16 is refused at its first bytes", async () => {
  for (const bytes of [
    Buffer.from("\ufeffhello", "utf16le"),
    Buffer.from("\ufeffhello", "utf16le").swap16(),
  ]) {
    await expect(read("text/plain", bytes)).rejects.toThrow("not UTF-8");
    await expect(read("text/plain", bytes, () => 1)).rejects.toThrow("not UTF-8");
  }
});

test("[TXT-20] a CSV without the column is refused before anything of it is read", async () => {
  for (const file of ["", "text,id\na,b\n", "a content of another kind\n"]) {
    await expect(read("text/csv", file)).rejects.toThrow("no column");
  }
});
