// Promises and their proofs: every numbered rule of a spec.md has a test, and every test names a rule that exists.
import { listMatching, type Repository, type SourceFile } from "./repository.ts";

const RULE = /^- \*\*([A-Z]+-\d+)\*\* /gm;
const ANY_RULE_MENTION = /^\s*[-*] \*{0,2}([A-Z]{2,5}-\d+)\b/gm;
/** A string that opens with a rule's number is a title, wherever it stands: contract suites make tests too. */
const TITLE = /(["'`])\[([A-Z]+-\d+)\]((?:\\.|(?!\1)[^\\])*)\1/g;
/** A suite of the harness that is told which rule it proves. */
const SUITE_RULE = /\brule: "([A-Z]+-\d+)"/g;
const TEST_CALL =
  /\b(?:test|it)(?:\.(?:if|skipIf|todoIf|each|serial|concurrent|skip|only|todo)\b(?:\([^()]*\))?)*\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/g;

interface Rule {
  readonly id: string;
  readonly spec: string;
}

function listRules(repository: Repository): Rule[] {
  return specs(repository).flatMap((spec) =>
    [...spec.text.matchAll(RULE)].map((match) => ({ id: match[1] ?? "", spec: spec.path })),
  );
}

export function rulesWithoutTest(repository: Repository): string[] {
  const proven = new Set(titles(repository).map((title) => title.id));
  return listRules(repository)
    .filter((rule) => !proven.has(rule.id))
    .map((rule) => `${rule.spec}: ${rule.id} has no test; write one whose title begins with [${rule.id}].`);
}

export function testsWithoutRule(repository: Repository): string[] {
  const known = new Set(listRules(repository).map((rule) => rule.id));
  return titles(repository)
    .filter((title) => !known.has(title.id))
    .map(
      (title) => `${title.path}: [${title.id}] is in no spec.md; write the rule down or correct the number.`,
    );
}

/** Tests of the kernel and the modules say which rule they prove. */
export function testsWithoutNumber(repository: Repository): string[] {
  return listMatching(repository, /^src\/(?:kernel|modules|process)\/.*\.test\.ts$/).flatMap((file) =>
    [...file.text.matchAll(TEST_CALL)]
      .map((match) => match[2] ?? "")
      .filter((title) => !/^\[(?:[A-Z]+-\d+|\$\{)/.test(title))
      .map(
        (title) =>
          `${file.path}: “${title}” names no rule; begin the title with the number of one, such as [ACC-1].`,
      ),
  );
}

export function repeatedTitles(repository: Repository): string[] {
  const seen = new Map<string, string>();
  const problems: string[] = [];
  for (const file of listMatching(repository, /\.test\.ts$/)) {
    for (const match of file.text.matchAll(TEST_CALL)) {
      const title = match[2] ?? "";
      const before = seen.get(title);
      if (before) problems.push(`${file.path}: “${title}” is also a title in ${before}; say what differs.`);
      seen.set(title, file.path);
    }
  }
  return problems;
}

export function misnumberedRules(repository: Repository): string[] {
  const seen = new Map<string, string>();
  const problems: string[] = [];
  for (const rule of listRules(repository)) {
    const before = seen.get(rule.id);
    if (before) problems.push(`${rule.spec}: ${rule.id} is also a rule of ${before}; give it a new number.`);
    seen.set(rule.id, rule.spec);
  }
  for (const spec of specs(repository)) {
    for (const match of spec.text.matchAll(ANY_RULE_MENTION)) {
      if (!seen.has(match[1] ?? ""))
        problems.push(`${spec.path}: write the rule ${match[1]} as “- **${match[1]}** A sentence.”`);
    }
  }
  for (const spec of specs(repository).filter((each) => !/^- \*\*[A-Z]+-\d+\*\* /m.test(each.text))) {
    problems.push(`${spec.path} has no rule: write what is promised as “- **ABC-1** A sentence.”`);
  }
  return problems;
}

function titles(repository: Repository): { path: string; id: string }[] {
  return listMatching(repository, /^(?:src|bench|scripts|console|client)\/.*\.ts$/).flatMap((file) => [
    ...[...file.text.matchAll(TITLE)].map((match) => ({ path: file.path, id: match[2] ?? "" })),
    ...[...file.text.matchAll(SUITE_RULE)].map((match) => ({ path: file.path, id: match[1] ?? "" })),
  ]);
}

function specs(repository: Repository): SourceFile[] {
  return listMatching(repository, /^src\/.*\/spec\.md$/);
}
