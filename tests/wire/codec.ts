/** The core's codec with packets as a person would list them, so that it can be held against the oracle. */
import { Engine } from "../../src/core/engine.ts";
import { Flag, Opt, Packet, Segment, SynOptions, WireStatus } from "../../src/core/layout.gen.ts";
import type { TcpPacket } from "./oracle.ts";

const PAGE = 65536;

interface Field {
  offset: number;
  type: string;
}

export class Codec {
  readonly #core: Core;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  // Three pages that the engine knows nothing of
  readonly #segment: number;
  readonly #packet: number;
  readonly #payload: number;
  readonly #out: number;

  static async load(): Promise<Codec> {
    return new Codec(await Engine.load());
  }

  private constructor(engine: Engine) {
    this.#core = engine.exports as unknown as Core;
    this.#segment = engine.memory.grow(3) * PAGE;
    this.#packet = this.#segment + 128;
    this.#payload = this.#packet + 128;
    this.#out = this.#segment + PAGE;
    this.#view = new DataView(engine.memory.buffer);
    this.#bytes = new Uint8Array(engine.memory.buffer);
  }

  /** Size of the core's memory, in bytes. */
  get memoryBytes(): number {
    return this.#core.memory.buffer.byteLength;
  }

  /** How much of its memory the core has handed out. */
  get arenaTop(): number {
    return 0;
  }

  checksum(bytes: Uint8Array): number {
    return this.#core.checksum(this.#place(bytes), bytes.length);
  }

  /** With `virtual`, the payload is taken to be zeros and the core is given none. */
  encode(packet: TcpPacket, { snaplen = PAGE, virtual = false, corrupted = false } = {}): Uint8Array {
    this.#fillSegment(packet, corrupted);
    this.#set(this.#packet, Packet.src_addr, packet.srcAddr);
    this.#set(this.#packet, Packet.dst_addr, packet.dstAddr);
    this.#set(this.#packet, Packet.src_port, packet.srcPort);
    this.#set(this.#packet, Packet.dst_port, packet.dstPort);
    this.#set(this.#packet, Packet.id, packet.id);
    this.#set(this.#packet, Packet.urgent, packet.urgent);
    this.#set(this.#packet, Packet.tos, packet.tos);
    this.#set(this.#packet, Packet.payload, virtual ? 0 : this.#payload);
    if (!virtual) this.#bytes.set(packet.payload, this.#payload);
    this.#bytes.fill(0xa5, this.#out, this.#out + 2048); // what is not written must not pass for zeros
    const length = this.#core.encodeIpv4Tcp(this.#segment, this.#packet, this.#out, snaplen);
    return this.#bytes.slice(this.#out, this.#out + length);
  }

  /** Bytes of the packet with all of its payload. */
  length(packet: TcpPacket): number {
    this.#fillSegment(packet, false);
    return this.#core.ipv4TcpLength(this.#segment);
  }

  #fillSegment(packet: TcpPacket, corrupted: boolean): void {
    this.#bytes.fill(0, this.#segment, this.#segment + Segment.size);
    const syn = packet.flags & Flag.SYN;
    const { timestamps, sack = [] } = packet;
    this.#set(this.#segment, Segment.seq, packet.seq);
    this.#set(this.#segment, Segment.ack, packet.ack);
    this.#set(this.#segment, Segment.flags, packet.flags);
    this.#set(this.#segment, Segment.wnd, packet.wnd);
    this.#set(this.#segment, Segment.len, packet.payload.length);
    this.#set(
      this.#segment,
      Segment.opts,
      (timestamps ? Opt.TIMESTAMPS : 0) | (syn ? Opt.SYN : 0) | (corrupted ? Opt.CORRUPTED : 0) |
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
    }
    sack.forEach(({ start, end }, i) => {
      this.#set(this.#segment, SACK_BLOCKS[i].start, start);
      this.#set(this.#segment, SACK_BLOCKS[i].end, end);
    });
  }

  /** The packet in `bytes`, or the status that says why it is refused. Reading past their end traps. */
  parse(bytes: Uint8Array): TcpPacket | number {
    const at = this.#place(bytes);
    // Whatever the structs held before must not show
    this.#bytes.fill(0xa5, this.#segment, this.#segment + Segment.size);
    this.#bytes.fill(0xa5, this.#packet, this.#packet + Packet.size);
    const status = this.#core.parseIpv4Tcp(at, bytes.length, this.#segment, this.#packet);
    if (status !== WireStatus.OK) return status;
    const flags = this.#get(this.#segment, Segment.flags);
    const opts = this.#get(this.#segment, Segment.opts);
    const payload = this.#get(this.#packet, Packet.payload);
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
      urgent: this.#get(this.#packet, Packet.urgent),
      payload: this.#bytes.subarray(payload, payload + this.#get(this.#segment, Segment.len)),
    };
    if (opts & Opt.SYN) {
      const mss = this.#get(this.#segment, SynOptions.mss);
      const windowScale = this.#get(this.#segment, SynOptions.wscale_plus_one) - 1;
      if (mss) packet.mss = mss;
      if (windowScale >= 0) packet.windowScale = windowScale;
      if (this.#get(this.#segment, SynOptions.sack_permitted)) packet.sackPermitted = true;
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

  /** Puts `bytes` at the very end of memory, where one byte more would trap. */
  #place(bytes: Uint8Array): number {
    const at = this.#bytes.length - bytes.length;
    this.#bytes.set(bytes, at);
    return at;
  }

  #get(base: number, { offset, type }: Field): number {
    if (type === "u8") return this.#view.getUint8(base + offset);
    if (type === "u16") return this.#view.getUint16(base + offset, true);
    return this.#view.getUint32(base + offset, true);
  }

  #set(base: number, { offset, type }: Field, value: number): void {
    if (type === "u8") this.#view.setUint8(base + offset, value);
    else if (type === "u16") this.#view.setUint16(base + offset, value, true);
    else this.#view.setUint32(base + offset, value, true);
  }
}

/** Where the blocks lie; the fourth takes the timestamps' place. */
const SACK_BLOCKS = [
  { start: Segment.sack0_start, end: Segment.sack0_end },
  { start: Segment.sack1_start, end: Segment.sack1_end },
  { start: Segment.sack2_start, end: Segment.sack2_end },
  { start: Segment.tsval, end: Segment.tsecr },
];

/** The codec's functions among the core's exports. */
interface Core {
  memory: WebAssembly.Memory;
  checksum(at: number, length: number): number;
  encodeIpv4Tcp(segment: number, packet: number, at: number, snaplen: number): number;
  ipv4TcpLength(segment: number): number;
  parseIpv4Tcp(at: number, length: number, segment: number, packet: number): number;
}
