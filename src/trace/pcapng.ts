/**
 * Captured packets as a pcapng file (draft-ietf-opsawg-pcapng), for Wireshark, tshark and tcpdump: one section,
 * one interface a captured link, packets from their IPv4 header on, times in nanoseconds of simulated time.
 */
import { CaptureRecord } from "../core/layout.gen.ts";

/** What a {@linkcode PcapngWriter} says about its capture, at the head of the file. */
export interface PcapngOptions {
  /** Names of the captured links; a record's interface number is an index into it. */
  interfaces: readonly string[];
  /** Program that wrote the file, with its version. */
  application?: string;
  /** System that the packets were captured on. */
  os?: string;
  /** Machine that the packets were captured on. */
  hardware?: string;
  /** Free text, such as the scenario's name and seed. */
  comment?: string;
}

const BLOCK = { SECTION_HEADER: 0x0a0d0d0a, INTERFACE_DESCRIPTION: 1, ENHANCED_PACKET: 6 };
/** Codes count anew in each kind of block. */
const OPTION = { END: 0, COMMENT: 1, SHB_HARDWARE: 2, SHB_OS: 3, SHB_USERAPPL: 4, IF_NAME: 2, IF_TSRESOL: 9 };
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** LINKTYPE_RAW: packets begin with an IPv4 or IPv6 header. */
const LINK_TYPE_RAW = 101;
/** Timestamps count 10^-9 seconds. */
const NANOSECONDS = 9;
/** Bytes of an enhanced packet block around its packet. */
const ENHANCED_PACKET_OVERHEAD = 32;
/** Where the address of the sender stands in an IPv4 header. */
const IPV4_SOURCE = 12;
const CHUNK_BYTES = 64 * 1024;

/** A record that has not been written yet: where it stands, and its time. */
interface Pending {
  batch: DataView;
  offset: number;
  timeHigh: number;
  timeLow: number;
  /** Which interface saw it, and who sent it. */
  origin: number;
}

/**
 * Turns the core's capture records into a pcapng file, chunk by chunk.
 *
 * The core records a packet when it learns of it, which may be before its time: on a FIFO link a departure is known
 * at enqueue. So records are held until the clock has passed them, and leave in order of time, those of one instant
 * by interface and sender. What is held is what waits in the captured links' queues.
 */
export class PcapngWriter {
  #emit: (chunk: Uint8Array) => void;
  #pending: Pending[] = [];
  #chunk = new Uint8Array(CHUNK_BYTES);
  #view = new DataView(this.#chunk.buffer);
  #used = 0;

  /** Starts a file; `emit` gets its bytes in order, each chunk in a buffer of its own. */
  constructor(emit: (chunk: Uint8Array) => void, options: PcapngOptions) {
    this.#emit = emit;
    this.#writeSectionHeader(options);
    for (const name of options.interfaces) this.#writeInterface(name);
  }

  /** Takes a batch of whole records, which it copies, and writes all that happened up to `clockNs`. */
  write(records: Uint8Array, clockNs: bigint): void {
    const batch = new DataView(records.slice().buffer);
    for (let offset = 0; offset < batch.byteLength;) {
      const caplen = batch.getUint32(offset + CaptureRecord.caplen.offset, true);
      const seenBy = batch.getUint32(offset + CaptureRecord.interface.offset, true);
      const source = caplen >= IPV4_SOURCE + 4 ? batch.getUint32(offset + CaptureRecord.size + IPV4_SOURCE) : 0;
      this.#pending.push({
        batch,
        offset,
        timeLow: batch.getUint32(offset + CaptureRecord.time.offset, true),
        timeHigh: batch.getUint32(offset + CaptureRecord.time.offset + 4, true),
        origin: seenBy * 2 ** 32 + source,
      });
      offset += CaptureRecord.size + padded(caplen, 8);
    }
    const clockHigh = Number(clockNs >> 32n);
    const clockLow = Number(clockNs & 0xffff_ffffn);
    this.#flush(({ timeHigh, timeLow }) => timeHigh < clockHigh || (timeHigh === clockHigh && timeLow <= clockLow));
  }

  /** Writes all that is held, or only what happened up to `clockNs` when the run ended there; and the last chunk. */
  close(clockNs: bigint = 2n ** 64n - 1n): void {
    this.write(new Uint8Array(), clockNs);
    this.#pending = [];
    this.#emitChunk();
  }

  #flush(isDue: (record: Pending) => boolean): void {
    const due = this.#pending.filter(isDue);
    if (due.length === 0) return;
    this.#pending = this.#pending.filter((record) => !isDue(record));
    // The sort is stable: what one sender's packets do at one instant stays in order
    due.sort((a, b) => a.timeHigh - b.timeHigh || a.timeLow - b.timeLow || a.origin - b.origin);
    for (const record of due) this.#writePacket(record);
  }

  #writePacket({ batch, offset, timeHigh, timeLow }: Pending): void {
    const caplen = batch.getUint32(offset + CaptureRecord.caplen.offset, true);
    const length = ENHANCED_PACKET_OVERHEAD + padded(caplen, 4);
    const at = this.#open(BLOCK.ENHANCED_PACKET, length);
    this.#view.setUint32(at + 8, batch.getUint32(offset + CaptureRecord.interface.offset, true), true);
    this.#view.setUint32(at + 12, timeHigh, true);
    this.#view.setUint32(at + 16, timeLow, true);
    this.#view.setUint32(at + 20, caplen, true);
    this.#view.setUint32(at + 24, batch.getUint32(offset + CaptureRecord.origlen.offset, true), true);
    this.#chunk.set(new Uint8Array(batch.buffer, offset + CaptureRecord.size, caplen), at + 28);
  }

  #writeSectionHeader({ comment, hardware, os, application }: PcapngOptions): void {
    const options = encodeOptions([
      [OPTION.COMMENT, comment],
      [OPTION.SHB_HARDWARE, hardware],
      [OPTION.SHB_OS, os],
      [OPTION.SHB_USERAPPL, application],
    ]);
    const at = this.#open(BLOCK.SECTION_HEADER, 28 + options.length);
    this.#view.setUint32(at + 8, BYTE_ORDER_MAGIC, true);
    this.#view.setUint16(at + 12, 1, true); // version 1.0
    this.#view.setBigInt64(at + 16, -1n, true); // length of the section: not known yet
    this.#chunk.set(options, at + 24);
  }

  #writeInterface(name: string): void {
    const options = encodeOptions([[OPTION.IF_NAME, name], [OPTION.IF_TSRESOL, Uint8Array.of(NANOSECONDS)]]);
    const at = this.#open(BLOCK.INTERFACE_DESCRIPTION, 20 + options.length);
    this.#view.setUint16(at + 8, LINK_TYPE_RAW, true); // a snap length of 0 follows: no limit
    this.#chunk.set(options, at + 16);
  }

  /** Makes room for a block in a chunk that is all zeros, writes its type and both its lengths, and says where it is. */
  #open(type: number, length: number): number {
    if (this.#used + length > this.#chunk.length) {
      this.#emitChunk();
      this.#chunk = new Uint8Array(Math.max(CHUNK_BYTES, length));
      this.#view = new DataView(this.#chunk.buffer);
    }
    const at = this.#used;
    this.#used += length;
    this.#view.setUint32(at, type, true);
    this.#view.setUint32(at + 4, length, true);
    this.#view.setUint32(at + length - 4, length, true);
    return at;
  }

  #emitChunk(): void {
    if (this.#used > 0) this.#emit(this.#chunk.subarray(0, this.#used));
    this.#used = 0;
  }
}

/** The options that are given, each padded to four bytes, and the mark that ends them. */
function encodeOptions(options: [number, string | Uint8Array | undefined][]): Uint8Array {
  const bytes: number[] = [];
  for (const [code, value] of options) {
    if (value === undefined) continue;
    const data = typeof value === "string" ? new TextEncoder().encode(value) : value;
    bytes.push(code, 0, data.length & 0xff, data.length >> 8, ...data);
    while (bytes.length % 4) bytes.push(0);
  }
  bytes.push(OPTION.END, 0, 0, 0);
  return Uint8Array.from(bytes);
}

function padded(length: number, to: number): number {
  return Math.ceil(length / to) * to;
}
