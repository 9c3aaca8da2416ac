import { expect, test } from "bun:test";
import { dependencyProblems } from "./dependencies.ts";
import { brokenLinks, missingFromArchitecture } from "./links.ts";
import { toRepository } from "./repository.ts";

test("[ARC-24] a link to a missing file or heading is named; code and the outside are left alone", () => {
  const repository = toRepository({
    "README.md":
      "[a](docs/a.md) [b](docs/b.md) [c](docs/a.md#how-it-works) [d](docs/a.md#why)\n`[e](no.md)` [f](https://example.org)\n```\n[g](no.md)\n```\n[h](docs/) [i](#none)",
    "docs/a.md": "# How it works\n[up](../README.md)",
  });
  expect(brokenLinks(repository)).toEqual([
    "README.md:1: the link to docs/b.md leads nowhere: there is no docs/b.md.",
    "README.md:1: the link to docs/a.md#why leads nowhere: docs/a.md has no heading #why.",
    "README.md:6: the link to #none leads nowhere: README.md has no heading #none.",
  ]);
});

test("[ARC-25] a loose version, a missing row, a stale row, a wrong licence, a registry and a platform left out are named", () => {
  const repository = toRepository({
    "package.json": JSON.stringify({ dependencies: { loose: "^1.0.0", fine: "1.0.0", wrong: "2.0.0" } }),
    "package-lock.json": JSON.stringify({
      packages: {
        "": {},
        "node_modules/loose": { license: "MIT", resolved: "https://registry.example/loose.tgz" },
        "node_modules/fine": { license: "MIT", optionalDependencies: { "fine-linux-x64": "1.0.0" } },
        "node_modules/wrong": { license: "AGPL-3.0" },
      },
    }),
    "docs/dependencies.md":
      "| `fine` | a | b | c | MIT |\n| `wrong` | a | b | c | MIT |\n| `gone` | a | b | c | MIT |",
  });
  expect(dependencyProblems(repository)).toEqual([
    "package.json: loose is at “^1.0.0”; pin one version (npm install --save-exact).",
    "docs/dependencies.md: loose is not there; say what it is for, what we would write without it, who keeps it.",
    "docs/dependencies.md: gone is not in package.json; take its row out.",
    "docs/dependencies.md: wrong is under AGPL-3.0, not MIT; correct the row.",
    "package-lock.json: node_modules/loose names the registry it came from; install with omit-lockfile-registry-resolved=true.",
    "package-lock.json: node_modules/wrong is under AGPL-3.0, which may bind its users; find another.",
    "package-lock.json: fine-linux-x64, optional, has no entry; run npm run lock.",
  ]);
});

test("[ARC-28] a module without its row is named", () => {
  const repository = toRepository({
    "ARCHITECTURE.md": "| [posts](src/modules/posts/) | posts |",
    "src/modules/posts/index.ts": "",
    "src/modules/live/index.ts": "",
  });
  expect(missingFromArchitecture(repository)).toEqual([
    "ARCHITECTURE.md: src/modules/live/ is not there; say in a row what it does.",
  ]);
});
