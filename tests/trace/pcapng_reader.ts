/**
 * A small pcapng reader, written from draft-ietf-opsawg-pcapng and not from our writer. It takes either byte order and
 * is strict: anything it does not expect is an error.
 */
import assert from "node:assert/strict";

export interface Packet {
  time: bigint;
  interface: number;
  data: Uint8Array;
  originalLength: number;
}

export interface Interface {
  name?: string;
  linkType: number;
  snaplen: number;
  ticksPerSecond: number;
}

export interface PcapngFile {
  section: { version: string; comment?: string; hardware?: string; os?: string; application?: string };
  interfaces: Interface[];
  packets: Packet[];
}

const SECTION_OPTIONS: Record<number, "comment" | "hardware" | "os" | "application"> = {
  1: "comment",
  2: "hardware",
  3: "os",
  4: "application",
};

export function readPcapng(bytes: Uint8Array): PcapngFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(8, false);
  const little = magic === 0x4d3c2b1a;
  assert.ok(little || magic === 0x1a2b3c4d, "no byte-order magic");
  const file: PcapngFile = { section: { version: "" }, interfaces: [], packets: [] };

  for (let at = 0; at < bytes.length;) {
    const type = view.getUint32(at, little);
    const length = view.getUint32(at + 4, little);
    assert.equal(length % 4, 0, "a block's length is a multiple of four");
    assert.ok(at + length <= bytes.length, "a block lies within the file");
    assert.equal(view.getUint32(at + length - 4, little), length, "both lengths of a block are equal");
    const end = at + length - 4;
    const body = at + 8;
    if (at === 0) assert.equal(type, 0x0a0d0d0a, "a file begins with a section header");
    switch (type) {
      case 0x0a0d0d0a:
        assert.equal(at, 0, "one section");
        assert.equal(view.getBigInt64(body + 8, little), -1n, "length of the section not given");
        file.section.version = `${view.getUint16(body + 4, little)}.${view.getUint16(body + 6, little)}`;
        for (const [code, value] of readOptions(view, body + 16, end, little)) {
          assert.ok(SECTION_OPTIONS[code], `section option ${code}`);
          file.section[SECTION_OPTIONS[code]] = new TextDecoder().decode(value);
        }
        break;
      case 1:
        file.interfaces.push(readInterface(view, body, end, little));
        break;
      case 6: {
        const caplen = view.getUint32(body + 12, little);
        const padded = caplen + (4 - caplen % 4) % 4;
        const number = view.getUint32(body, little);
        assert.ok(number < file.interfaces.length, "a packet's interface is described before it");
        assert.deepEqual(readOptions(view, body + 20 + padded, end, little), []);
        file.packets.push({
          time: BigInt(view.getUint32(body + 4, little)) << 32n | BigInt(view.getUint32(body + 8, little)),
          interface: number,
          data: bytes.slice(body + 20, body + 20 + caplen),
          originalLength: view.getUint32(body + 16, little),
        });
        break;
      }
      default:
        assert.fail(`block type ${type}`);
    }
    at += length;
  }
  return file;
}

function readInterface(view: DataView, body: number, end: number, little: boolean): Interface {
  const found: Interface = {
    linkType: view.getUint16(body, little),
    snaplen: view.getUint32(body + 4, little),
    ticksPerSecond: 1e6,
  };
  assert.equal(view.getUint16(body + 2, little), 0, "reserved");
  for (const [code, value] of readOptions(view, body + 8, end, little)) {
    if (code === 2) found.name = new TextDecoder().decode(value);
    else if (code === 9) found.ticksPerSecond = value[0] & 0x80 ? 2 ** (value[0] & 0x7f) : 10 ** value[0];
    else assert.fail(`interface option ${code}`);
  }
  return found;
}

function readOptions(view: DataView, at: number, end: number, little: boolean): [number, Uint8Array][] {
  const options: [number, Uint8Array][] = [];
  while (at < end) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    at += 4;
    if (code === 0) {
      assert.equal(length, 0, "the end of options is empty");
      break;
    }
    options.push([code, new Uint8Array(view.buffer, view.byteOffset + at, length)]);
    at += length + (4 - length % 4) % 4;
  }
  assert.equal(at, end, "options fill their block");
  return options;
}
