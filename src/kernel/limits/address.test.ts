import { expect, test } from "bun:test";
import { readConfig } from "../config/index.ts";
import { networkOf, parseAddress } from "./address.ts";
import { createTrustedProxies } from "./proxies.ts";

test("[LIM-10] an address has one spelling, and what is none has none", () => {
  const cases: [text: string, address: string | undefined][] = [
    ["203.0.113.7", "203.0.113.7"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::ffff:cb00:7107", "203.0.113.7"],
    ["fe80::1%eth0", "fe80::1"],
    ["127.1", undefined],
    ["2130706433", undefined],
    ["0x7f.0.0.1", undefined],
    ["010.0.0.1", undefined],
    ["203.0.113.256", undefined],
    ["unknown", undefined],
    ["", undefined],
    [":::", undefined],
  ];
  for (const [text, address] of cases) expect([text, parseAddress(text)]).toEqual([text, address]);
});

test("[LIM-10] an IPv6 network of 64 bits is one client", () => {
  expect(networkOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
  expect(networkOf("2001:0DB8:1:2::")).toBe("2001:db8:1:2::/64");
  expect(networkOf("2001:db8:1:3::1")).not.toBe(networkOf("2001:db8:1:2::1"));
  expect(networkOf("::ffff:203.0.113.7")).toBe("203.0.113.7");
  expect(networkOf("203.0.113.7")).toBe("203.0.113.7");
});

test("[LIM-11] the header is read from the right, through trusted proxies only", () => {
  const proxies = createTrustedProxies(["10.0.0.0/8", "192.0.2.1", "2001:db8:ffff::/48"]);
  const cases: [peer: string, header: string | null, client: string][] = [
    ["10.0.0.1", "203.0.113.7", "203.0.113.7"],
    ["10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"],
    ["10.0.0.1", "198.51.100.1, 203.0.113.7, 10.9.9.9", "203.0.113.7"],
    ["2001:db8:ffff::1", "203.0.113.7,192.0.2.1 , 10.9.9.9", "203.0.113.7"],
    ["::ffff:10.0.0.1", "2001:DB8::0:7", "2001:db8::7"],
    ["10.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"],
    ["10.0.0.1", "203.0.113.7:4711", "203.0.113.7"],
    ["10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"],
    ["10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"],
    // Forged, by who is not trusted or before one who is not.
    ["203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["10.0.0.1", "10.5.5.5, 203.0.113.7", "203.0.113.7"],
    ["10.0.0.1", "198.51.100.1, garbage", "10.0.0.1"],
    ["10.0.0.1", "198.51.100.1, unknown, 10.3.3.3", "10.3.3.3"],
    ["10.0.0.1", "198.51.100.1,", "10.0.0.1"],
    ["10.0.0.1", "", "10.0.0.1"],
    ["10.0.0.1", null, "10.0.0.1"],
    ["", "198.51.100.1", ""],
  ];
  for (const [peer, header, client] of cases)
    expect([peer, header, proxies?.clientOf(peer, header)]).toEqual([peer, header, client]);
});

test("[LIM-11] without trusted proxies there is nothing that reads the header", () => {
  expect(createTrustedProxies([])).toBeUndefined();
});

test("[LIM-11] a trusted proxy that is no address and no block stops the start", () => {
  const read = (text: string) => readConfig({ TRUSTED_PROXIES: text }).config.trustedProxies;
  const good = ["127.0.0.1", "::1", "10.0.0.0/8", "2001:db8::/32"];
  expect(read(good.join(" , "))).toEqual(good);
  for (const bad of ["proxy.example.com", "10.0.0.0/33", "127.1", "10.0/8", "10.0.0.0/", "*", "true"])
    expect(() => read(bad)).toThrow(/^TRUSTED_PROXIES must be addresses or CIDR blocks/);
});
