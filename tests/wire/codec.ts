/** The core's codec with packets as a person would list them, so that it can be held against the oracle. */
import { Engine, type Field } from "../../src/core/engine.ts";
import {
  AltChecksum,
  Engine as Root,
  ExtOpt,
  Flag,
  Mark,
  Opt,
  Packet,
  Segment,
  SegmentExt,
  SynOptions,
  WireStatus,
} from "../../src/core/layout.gen.ts";
import type { TcpPacket } from "./oracle.ts";

const PACKET_MAX = 65535;
/** A segment with its `SegmentExt`. */
const LONG = Segment.size + SegmentExt.size;

export class Codec {
  readonly #engine: Engine;
  readonly #segment: number;
  readonly #packet: number;
  readonly #payload: number;
  readonly #out: number;

  static async load(): Promise<Codec> {
    return new Codec(await Engine.load());
  }

  private constructor(engine: Engine) {
    this.#engine = engine;
    engine.exports.init(1n);
    this.#segment = engine.exports.allocate(LONG);
    this.#packet = engine.exports.allocate(Packet.size);
    this.#payload = engine.exports.allocate(PACKET_MAX);
    this.#out = engine.exports.allocate(PACKET_MAX);
    engine.exports.memory.grow(1); // a page that the core knows nothing of, for packets to parse
  }

  /** Size of the core's memory. */
  get memoryBytes(): number {
    return this.#engine.exports.memory.buffer.byteLength;
  }

  /** How much of its memory the core has handed out. */
  get arenaTop(): number {
    return this.#engine.get(this.#engine.root, Root.arena_top);
  }

  checksum(bytes: Uint8Array): number {
    return this.#engine.exports.checksum(this.#place(bytes), bytes.length);
  }

  /** With `virtual`, the payload is taken to be zeros and the core is given none. */
  encode(
    packet: TcpPacket,
    { snaplen = PACKET_MAX, virtual = false, corrupted = false, alternate = 0 } = {},
  ): Uint8Array {
    this.#fillSegment(packet, corrupted);
    this.#set(this.#packet, Packet.alt_checksum, alternate);
    if (alternate === AltChecksum.FLETCHER_16) {
      const ext = this.#segment + Segment.size;
      this.#set(ext, SegmentExt.options, this.#get(ext, SegmentExt.options) | ExtOpt.ALT_CHECKSUM_DATA);
      this.#set(ext, SegmentExt.alt_checksum_length, 2);
    }
    this.#set(this.#packet, Packet.src_addr, packet.srcAddr);
    this.#set(this.#packet, Packet.dst_addr, packet.dstAddr);
    this.#set(this.#packet, Packet.src_port, packet.srcPort);
    this.#set(this.#packet, Packet.dst_port, packet.dstPort);
    this.#set(this.#packet, Packet.id, packet.id);
    this.#set(this.#packet, Packet.tos, packet.tos);
    this.#set(this.#packet, Packet.payload, virtual ? 0 : this.#payload);
    if (!virtual) this.#engine.bytes(this.#payload, packet.payload.length).set(packet.payload);
    this.#engine.bytes(this.#out, 2048).fill(0xa5); // what is not written must not pass for zeros
    const length = this.#engine.exports.encodeIpv4Tcp(this.#segment, this.#packet, this.#out, snaplen);
    return this.#engine.bytes(this.#out, length).slice();
  }

  /** Bytes of the packet with all of its payload. */
  length(packet: TcpPacket): number {
    this.#fillSegment(packet, false);
    return this.#engine.exports.ipv4TcpLength(this.#segment);
  }

  #fillSegment(packet: TcpPacket, corrupted: boolean): void {
    this.#engine.bytes(this.#segment, LONG).fill(0);
    const syn = packet.flags & Flag.SYN;
    const { timestamps, sack = [], accEcn, fastOpen, altChecksum } = packet;
    const ext = this.#segment + Segment.size;
    this.#set(this.#segment, Segment.kind, (packet.tos & 3) << Mark.ECN_SHIFT | (packet.ae ? Mark.AE : 0));
    this.#set(ext, SegmentExt.urgent, packet.urgent);
    if (accEcn) {
      this.#set(ext, SegmentExt.options, accEcn.order === 1 ? ExtOpt.ACCECN1 : ExtOpt.ACCECN0);
      this.#set(ext, SegmentExt.accecn_fields, accEcn.fields.length);
      accEcn.fields.forEach((value, i) => this.#set(ext, ACCECN_FIELDS[accEcn.order][i], value));
    }
    this.#set(this.#segment, Segment.seq, packet.seq);
    this.#set(this.#segment, Segment.ack, packet.ack);
    this.#set(this.#segment, Segment.flags, packet.flags);
    this.#set(this.#segment, Segment.wnd, packet.wnd);
    this.#set(this.#segment, Segment.len, packet.payload.length);
    this.#set(
      this.#segment,
      Segment.opts,
      Opt.EXT | (timestamps ? Opt.TIMESTAMPS : 0) | (syn ? Opt.SYN : 0) | (corrupted ? Opt.CORRUPTED : 0) |
        (sack.length << Opt.SACK_SHIFT),
    );
    if (timestamps) {
      this.#set(this.#segment, Segment.tsval, timestamps.tsval);
      this.#set(this.#segment, Segment.tsecr, timestamps.tsecr);
    }
    if (syn) {
      this.#set(this.#segment, SynOptions.mss, packet.mss ?? 0);
      this.#set(
        this.#segment,
        SynOptions.wscale_plus_one,
        packet.windowScale === undefined ? 0 : packet.windowScale + 1,
      );
      this.#set(this.#segment, SynOptions.sack_permitted, packet.sackPermitted ? 1 : 0);
      this.#set(this.#segment, SynOptions.alt_checksum, altChecksum === undefined ? 0 : altChecksum + 1);
      if (fastOpen) {
        this.#set(this.#segment, SynOptions.fast_open, fastOpen.cookie.length + 1);
        this.#set(this.#segment, SynOptions.fast_open_experimental, fastOpen.experimental ? 1 : 0);
        this.#engine.bytes(this.#segment + SynOptions.cookie0.offset, 16).set(fastOpen.cookie);
      }
    }
    sack.forEach(({ start, end }, i) => {
      this.#set(this.#segment, SACK_BLOCKS[i].start, start);
      this.#set(this.#segment, SACK_BLOCKS[i].end, end);
    });
  }

  /** The packet in `bytes`, or the status that says why it is refused. Reading past their end traps. */
  parse(bytes: Uint8Array, alternate = 0): TcpPacket | number {
    const at = this.#place(bytes);
    // Whatever the structs held before must not show
    this.#engine.bytes(this.#segment, LONG).fill(0xa5);
    this.#engine.bytes(this.#packet, Packet.size).fill(0xa5);
    this.#set(this.#packet, Packet.alt_checksum, alternate);
    const status = this.#engine.exports.parseIpv4Tcp(at, bytes.length, this.#segment, this.#packet);
    if (status !== WireStatus.OK) return status;
    const flags = this.#get(this.#segment, Segment.flags);
    const opts = this.#get(this.#segment, Segment.opts);
    const payload = this.#get(this.#packet, Packet.payload);
    const ext = this.#segment + Segment.size;
    if (!(opts & Opt.EXT)) throw new Error("the parser left out Opt.EXT");
    const kind = this.#get(this.#segment, Segment.kind);
    if (kind >> Mark.ECN_SHIFT & 3 ^ this.#get(this.#packet, Packet.tos) & 3) throw new Error("two ECN fields");
    const packet: TcpPacket = {
      srcAddr: this.#get(this.#packet, Packet.src_addr),
      dstAddr: this.#get(this.#packet, Packet.dst_addr),
      tos: this.#get(this.#packet, Packet.tos),
      id: this.#get(this.#packet, Packet.id),
      srcPort: this.#get(this.#packet, Packet.src_port),
      dstPort: this.#get(this.#packet, Packet.dst_port),
      seq: this.#get(this.#segment, Segment.seq),
      ack: this.#get(this.#segment, Segment.ack),
      flags,
      wnd: this.#get(this.#segment, Segment.wnd),
      urgent: this.#get(ext, SegmentExt.urgent),
      payload: this.#engine.bytes(payload, this.#get(this.#segment, Segment.len)),
    };
    if (kind & Mark.AE) packet.ae = true;
    this.#readRare(packet, ext);
    if (opts & Opt.SYN) {
      const mss = this.#get(this.#segment, SynOptions.mss);
      const windowScale = this.#get(this.#segment, SynOptions.wscale_plus_one) - 1;
      if (mss) packet.mss = mss;
      if (windowScale >= 0) packet.windowScale = windowScale;
      if (this.#get(this.#segment, SynOptions.sack_permitted)) packet.sackPermitted = true;
      const altChecksum = this.#get(this.#segment, SynOptions.alt_checksum);
      if (altChecksum) packet.altChecksum = altChecksum - 1;
      const length = this.#get(this.#segment, SynOptions.fast_open) - 1;
      if (length >= 0) {
        packet.fastOpen = {
          cookie: Array.from(this.#engine.bytes(this.#segment + SynOptions.cookie0.offset, length)),
          experimental: this.#get(this.#segment, SynOptions.fast_open_experimental) !== 0,
        };
      }
    }
    if (opts & Opt.TIMESTAMPS) {
      packet.timestamps = {
        tsval: this.#get(this.#segment, Segment.tsval),
        tsecr: this.#get(this.#segment, Segment.tsecr),
      };
    }
    const blocks = opts >> Opt.SACK_SHIFT & Opt.SACK_MASK;
    if (blocks) {
      packet.sack = SACK_BLOCKS.slice(0, blocks).map(({ start, end }) => ({
        start: this.#get(this.#segment, start),
        end: this.#get(this.#segment, end),
      }));
    }
    return packet;
  }

  #readRare(packet: TcpPacket, ext: number): void {
    const options = this.#get(ext, SegmentExt.options);
    if (options & ExtOpt.MD5) packet.md5 = true;
    if (options & (ExtOpt.ACCECN0 | ExtOpt.ACCECN1)) {
      const order = options & ExtOpt.ACCECN1 ? 1 : 0;
      const count = this.#get(ext, SegmentExt.accecn_fields);
      const fields = ACCECN_FIELDS[order].slice(0, count).map((field) => this.#get(ext, field));
      packet.accEcn = { order, fields };
    }
  }

  /** Puts `bytes` at the very end of memory, where one byte more would trap. */
  #place(bytes: Uint8Array): number {
    const at = this.memoryBytes - bytes.length;
    this.#engine.bytes(at, bytes.length).set(bytes);
    return at;
  }

  #get(base: number, field: Field): number {
    return this.#engine.get(base, field);
  }

  #set(base: number, field: Field, value: number): void {
    this.#engine.set(base, field, value);
  }
}

/** The AccECN option's fields as they stand in its orders 0 and 1. */
const ACCECN_FIELDS = [
  [SegmentExt.accecn_e0b, SegmentExt.accecn_ceb, SegmentExt.accecn_e1b],
  [SegmentExt.accecn_e1b, SegmentExt.accecn_ceb, SegmentExt.accecn_e0b],
];

/** Where the blocks lie; the fourth takes the timestamps' place. */
const SACK_BLOCKS = [
  { start: Segment.sack0_start, end: Segment.sack0_end },
  { start: Segment.sack1_start, end: Segment.sack1_end },
  { start: Segment.sack2_start, end: Segment.sack2_end },
  { start: Segment.tsval, end: Segment.tsecr },
];
