// What a device is called in lists and mails: browser and system, read from the User-Agent it sends.

/** Order counts: most browsers also say that they are Chrome, and Chrome that it is Safari. */
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\bOPR\/|\bOPiOS\/|\bOpera\b/, "Opera"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\bElectron\//, "Desktop app"],
  [/\bChrome\/|\bCriOS\/|\bChromium\//, "Chrome"],
  [/\bVersion\/[\d.]+.* Safari\//, "Safari"],
  [/^curl\//, "curl"],
  [/^PostmanRuntime\//, "Postman"],
  [/^python-|^Python\//, "Python"],
  [/^(?:node|undici|axios\/|Bun\/|Deno\/)/, "JavaScript"],
  [/^Go-http-client\//, "Go"],
  [/^okhttp\/|^Dalvik\//, "Android app"],
  [/\bCFNetwork\//, "Apple app"],
];

/** Android says Linux too, and an iPhone that it is like Mac OS X. */
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b|\biPod\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMacintosh\b|\bMac OS X\b|\bDarwin\//, "macOS"],
  [/\bLinux\b|\bX11\b/, "Linux"],
];

/** Like “Firefox on Linux”. Nothing of the text itself comes through: a thief writes what he likes into it. */
export function deviceName(userAgent: string | null): string {
  const text = userAgent ?? "";
  const find = (table: typeof PROGRAMS) => table.find(([pattern]) => pattern.test(text))?.[1];
  const parts = [find(PROGRAMS), find(SYSTEMS)].filter((part) => part !== undefined);
  return parts.join(" on ") || "Unknown device";
}
