import { expect, test } from "bun:test";
import { readConfig } from "../config/index.ts";
import { createAddressGuard } from "./address-guard.ts";
import { createPublicAddresses } from "./public-address.ts";

const isPublic = createPublicAddresses();
const guard = createAddressGuard({
  allowedHosts: ["service.internal:8080", "[fd00::1]:9000", "10.0.0.5:80"],
});
const NOT_PUBLIC = "The address does not lead to a public server.";

const CLOSED =
  `0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254
  172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.1 192.175.48.1 198.18.0.1
  198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
  :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:7f00:1 ::ffff:0:8.8.8.8 64:ff9b::8.8.8.8 64:ff9b::7f00:1 64:ff9b:1::1
  100::1 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::
  2002:808:808::1 2620:4f:8000::1 3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 febf::1 fec0::1 ff02::1 fe80::1%eth0`.split(
    /\s+/,
  );
const OPEN =
  `1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
  172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
  2606:4700::1111 2001:4860:4860::8888 2a00:1450::1 2003::1 2001:200::1`.split(/\s+/);

test("[OUT-21] special ranges are closed to their edges, what lies beside them is open", () => {
  expect(CLOSED.filter((address) => isPublic(address))).toEqual([]);
  expect(OPEN.filter((address) => !isPublic(address))).toEqual([]);
  expect(["localhost", "127.1", "2130706433", "0x7f000001", "", "1.2.3"].filter(isPublic)).toEqual([]);
});

test("[OUT-21] decimal, octal, hexadecimal and mapped forms are what they mean, before anything is looked up", () => {
  const forms =
    `127.0.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 0177.1 127.1 127.0.1 127.0.0.1. ①②⑦.0.0.1 0 0x0
    [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:a9fe:a9fe] [::127.0.0.1] [64:ff9b::10.0.0.1] [2002:7f00:1::]
    [fd00:ec2::254] 3232235521 0xa9fea9fe 025177524776`.split(/\s+/);
  for (const form of forms) expect([form, guard.findProblem(`http://${form}/`)]).toEqual([form, NOT_PUBLIC]);
  expect(guard.findProblem("http://8.8.8.8/")).toBeUndefined();
  expect(guard.findProblem("https://[2606:4700::1111]/a?b")).toBeUndefined();
});

test("[OUT-20] other schemes and ports, and credentials, are refused with a sentence", () => {
  const cases: [address: string, sentence: string | undefined][] = [
    ["ftp://example.com/", "The address must begin with http:// or https://."],
    ["file:///etc/passwd", "The address must begin with http:// or https://."],
    ["gopher://example.com:80/", "The address must begin with http:// or https://."],
    ["example.com", "The address must be a whole one, such as https://example.com/text."],
    ["http://user@example.com/", "The address must not hold a user or a password."],
    ["http://:secret@example.com/", "The address must not hold a user or a password."],
    ["http://example.com:22/", "Only the ports 80 and 443 may be called."],
    ["http://example.com:8080/", "Only the ports 80 and 443 may be called."],
    ["http://example.com:443/", undefined],
    ["https://example.com:80/", undefined],
    ["https://example.com/", undefined],
  ];
  for (const [address, sentence] of cases)
    expect([address, guard.findProblem(address)]).toEqual([address, sentence]);
});

test("[OUT-27] what is allowed by name and port is, and nothing beside it", async () => {
  for (const address of ["http://service.internal:8080/a", "http://[fd00::1]:9000/", "http://10.0.0.5/"])
    expect([address, guard.findProblem(address)]).toEqual([address, undefined]);
  for (const address of [
    "http://service.internal:8081/",
    "http://[fd00::1]/",
    "https://10.0.0.5/",
    "http://10.0.0.6/",
  ])
    expect([address, guard.findProblem(address)]).toEqual([address, expect.any(String)]);
  expect(await guard.addressesOf(new URL("http://10.0.0.5/"))).toEqual(["10.0.0.5"]);
});

test("[OUT-27] the setting takes hosts with their port alone", () => {
  const read = (OUTBOUND_ALLOWED_HOSTS: string) =>
    readConfig({ OUTBOUND_ALLOWED_HOSTS }).config.outboundAllowedHosts;
  expect(read("Service.Internal:8080, 127.1:80,[::1]:9")).toEqual([
    "service.internal:8080",
    "127.0.0.1:80",
    "[::1]:9",
  ]);
  for (const wrong of ["service.internal", "http://a:80", "a:80/path", "a:0", "a:99999", "u@a:80", "a b:80"])
    expect(() => read(wrong)).toThrow("OUTBOUND_ALLOWED_HOSTS must be hosts with their port");
});

test("[OUT-22] of a name all addresses must be public", async () => {
  const answers: Record<string, readonly string[]> = {
    good: ["2606:4700::1111", "8.8.8.8"],
    mixed: ["8.8.8.8", "127.0.0.1"],
    "mixed.six": ["8.8.8.8", "::ffff:10.0.0.1"],
    inside: ["10.1.2.3"],
    none: [],
  };
  const named = createAddressGuard({ allowedHosts: [], resolve: async (name) => answers[name] ?? [] });
  expect(await named.addressesOf(new URL("http://good/"))).toEqual(["8.8.8.8", "2606:4700::1111"]);
  for (const name of ["mixed", "mixed.six", "inside", "none"])
    expect(named.addressesOf(new URL(`http://${name}/`))).rejects.toThrow(NOT_PUBLIC);
});
