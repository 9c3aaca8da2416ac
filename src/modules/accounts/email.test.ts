import { expect, test } from "bun:test";
import { parseEmail } from "./email.ts";

test("[ACC-2] an address is kept as written, its domain in lower case, and compared without case", () => {
  const cases: [text: string, address: string, key: string][] = [
    ["ada@example.org", "ada@example.org", "ada@example.org"],
    ["  Ada.Lovelace@EXAMPLE.Org\n", "Ada.Lovelace@example.org", "ada.lovelace@example.org"],
    ["ada+news@mail.example.co.uk", "ada+news@mail.example.co.uk", "ada+news@mail.example.co.uk"],
    ["jörg@müller.example", "jörg@xn--mller-kva.example", "jörg@xn--mller-kva.example"],
    ["JO\u0308RG@müller.example", "JÖRG@xn--mller-kva.example", "jörg@xn--mller-kva.example"],
    ["a@ｅｘａｍｐｌｅ.org", "a@example.org", "a@example.org"],
    ["o'brien@example.org", "o'brien@example.org", "o'brien@example.org"],
    ["a..b@docomo.example", "a..b@docomo.example", "a..b@docomo.example"],
  ];
  for (const [text, address, key] of cases) expect(parseEmail(text)).toEqual({ address, key });
});

test("[ACC-3] what is no address is none", () => {
  const texts = [
    "",
    "ada",
    "@example.org",
    "ada@",
    "ada@localhost",
    "ada@example",
    "ada@@example.org",
    "ada@a@example.org",
    "a da@example.org",
    "ada@exa mple.org",
    "ada@example..org",
    "ada@-example.org",
    "ada@example-.org",
    "ada@example.org.",
    "ada@127.0.0.1",
    "ada@127.1",
    "ada@[::1]",
    "ada@example.org:25",
    "ada@example.org/x",
    "ada@ex%61mple.org",
    "ada@example.org?x",
    "ada@example。org",
    '"a da"@example.org',
    "ada\u0000@example.org",
    "ada\u200b@example.org",
    "a\r\nBcc: eve@example.org",
    "Ada <ada@example.org>",
    `${"a".repeat(65)}@example.org`,
    `a@${"b".repeat(64)}.org`,
    `a@${"b.".repeat(126)}org`,
  ];
  for (const text of texts) expect([text, parseEmail(text)]).toEqual([text, undefined]);
});
