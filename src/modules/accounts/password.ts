// Which passwords are good enough: long, not common, not made of what anyone knows about the user. No rules of composition.

export interface PasswordContext {
  readonly minLength: number;
  /** Folded, as EmailAddress.key. */
  readonly emailKey: string;
  readonly name: string | null;
}

/** Code points; a bound on work, not on strength. */
export const PASSWORD_MAX_LENGTH = 256;
const PRODUCT = "stoa";
/** Shorter words are in too many good passwords. */
const MIN_WORD_LENGTH = 3;

/**
 * The form that is counted, compared and hashed: NFKC, so that a password typed on another keyboard or system is the same
 * (NIST SP 800-63B; ASVS 6.2.8 would keep it as received). Never cut, its case kept.
 */
export function normalisePassword(text: string): string {
  return text.normalize("NFKC");
}

/** In Unicode code points, as NIST counts. */
export function passwordLength(text: string): number {
  return [...text].length;
}

/** For comparing with lists and words. */
export function foldPassword(password: string): string {
  return normalisePassword(password).toLowerCase();
}

/** Why a password (normalised) is too easy to guess, as a public sentence; undefined when nothing speaks against it. */
export function findWeakness(password: string, context: PasswordContext): string | undefined {
  if (passwordLength(password) < context.minLength)
    return `Must have at least ${context.minLength} characters.`;
  const folded = foldPassword(password);
  const local = context.emailKey.slice(0, context.emailKey.lastIndexOf("@"));
  if (folded === context.emailKey || isMadeOf(folded, local)) return "Must not be your email address.";
  if (context.name !== null && isMadeOf(folded, foldPassword(context.name))) return "Must not be your name.";
  if (isMadeOf(folded, PRODUCT)) return "Must not be the name of this product.";
  if (new Set(folded).size < 3) return "Must not be the same characters over and over.";
  return undefined;
}

/** Whether nothing but digits and signs is left when the word is taken out: `stoa-2026!` is made of `stoa`. */
function isMadeOf(folded: string, word: string): boolean {
  if (word.length < MIN_WORD_LENGTH || !folded.includes(word)) return false;
  return !/\p{L}/u.test(folded.replaceAll(word, ""));
}
