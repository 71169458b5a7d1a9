/** Addresses as text, and as the two words in network order that the core keeps: IPv4 is ::ffff:a.b.c.d. */
import { AF_INET, AF_INET6 } from "./constants.ts";

/** An end of a connection. */
export interface SocketAddress {
  /** `"192.0.2.1"` or `"2001:db8::1"`. */
  address: string;
  /** TCP port. */
  port: number;
}

/** An address as the core keeps it: 16 bytes in network order, read as two little-endian words. */
export interface AddressWords {
  hi: bigint;
  lo: bigint;
}

/** The family that an address is of, by its spelling. */
export function familyOf(address: string): number {
  return address.includes(":") ? AF_INET6 : AF_INET;
}

/** Reads an address; throws a `RangeError` when it is none. */
export function parseAddress(address: string): AddressWords {
  const bytes = familyOf(address) === AF_INET6
    ? ipv6Bytes(address)
    : [...new Array(10).fill(0), 255, 255, ...ipv4Bytes(address)];
  const view = new DataView(Uint8Array.from(bytes).buffer);
  return { hi: view.getBigUint64(0, true), lo: view.getBigUint64(8, true) };
}

/** Writes an address, RFC 5952 for IPv6; an IPv4 one for a socket of IPv6 stays mapped when `family` says so. */
export function formatAddress({ hi, lo }: AddressWords, family?: number): string {
  const view = new DataView(new ArrayBuffer(16));
  view.setBigUint64(0, hi, true);
  view.setBigUint64(8, lo, true);
  const mapped = hi === 0n && (lo & 0xffffffffn) === 0xffff0000n;
  const dotted = [12, 13, 14, 15].map((at) => view.getUint8(at)).join(".");
  if (mapped) return family === AF_INET6 ? `::ffff:${dotted}` : dotted;
  if (family === AF_INET) return dotted;
  const words = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i));
  const run = longestZeros(words);
  const text = (part: number[]): string => part.map((word) => word.toString(16)).join(":");
  if (run.length < 2) return text(words);
  return `${text(words.slice(0, run.start))}::${text(words.slice(run.start + run.length))}`;
}

function longestZeros(words: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < words.length; i++) {
    let length = 0;
    while (words[i + length] === 0) length++;
    if (length > best.length) best = { start: i, length };
    i += length;
  }
  return best;
}

function ipv4Bytes(address: string): number[] {
  const bytes = address.split(".").map((part) => /^\d{1,3}$/.test(part) ? Number(part) : NaN);
  if (bytes.length !== 4 || !bytes.every((byte) => byte <= 255)) throw wrong(address);
  return bytes;
}

function ipv6Bytes(address: string): number[] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (dotted !== null) {
    const [a, b, c, d] = ipv4Bytes(dotted[2]);
    return ipv6Bytes(`${dotted[1]}${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}`);
  }
  const halves = address.split("::");
  const words = halves.map((half) => half === "" ? [] : half.split(":"));
  const given = words.reduce((sum, half) => sum + half.length, 0);
  if (halves.length > 2 || (halves.length === 1 ? given !== 8 : given > 7)) throw wrong(address);
  const zeros = new Array(8 - given).fill("0");
  const all = halves.length === 1 ? words[0] : [...words[0], ...zeros, ...words[1]];
  if (!all.every((word) => /^[0-9a-fA-F]{1,4}$/.test(word))) throw wrong(address);
  return all.flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 255]);
}

function wrong(address: string): RangeError {
  return new RangeError(`Found ${JSON.stringify(address)}, expected an IPv4 or IPv6 address`);
}
