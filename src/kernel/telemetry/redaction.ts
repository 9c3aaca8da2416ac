// The safety net under the rule that no secret is logged: what looks like one is cut out of the finished line.

// Repeats are bounded, so that no line makes the search slow.
const SECRETS: readonly (readonly [RegExp, string])[] = [
  // JSON members whose name says it; the value may hold escaped quotes.
  [
    /("(?:[a-z_]*(?:password|secret|token|ticket|api_key)|authorization|cookie)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi,
    '$1"[redacted]"',
  ],
  // A JWT: three parts, the first of them an object in base64url; five when it is encrypted, the second perhaps empty.
  [/\beyJ[\w-]{5,2000}\.[\w-]{0,4000}\.[\w-]{0,2000}(?:\.[\w-]{0,4000}){0,2}/g, "[redacted]"],
  // API keys and refresh tokens of ours.
  [/\bstoa(?:rt)?_[A-Za-z0-9_-]{16,}/g, "[redacted]"],
  // One-time codes of ours.
  [/\bstoacode_[A-Za-z0-9_-]{16,}/g, "[redacted]"],
  [/\b(bearer|basic) +[A-Za-z0-9._~+/=-]{8,}/gi, "$1 [redacted]"],
  // Credentials inside an address: postgres://user:password@host.
  [/(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"]{0,200}):[^\s@"]{1,200}@/gi, "$1:[redacted]@"],
  [/([?&#](?:access_token|ticket|password|token|code)=)[^&\s"]+/gi, "$1[redacted]"],
];

export function redact(line: string): string {
  let clean = line;
  for (const [pattern, replacement] of SECRETS) clean = clean.replace(pattern, replacement);
  return clean;
}
