/** A peer of one host, written by hand: each packet as wished, sequence numbers relative to the two ISNs. */
import assert from "node:assert/strict";
import { addressBytes } from "../../src/packetdrill/wire.ts";
import { Host, type HostOptions } from "../../src/sockets/host.ts";
import { forge, type Forged, MSS, SACK_OK, see, type Seen, WSCALE } from "./packets.ts";

export const HOST = addressBytes("10.0.0.1");
export const PEER = addressBytes("10.0.0.2");
const PORT = 80;
const ISN = 1_000_000;
const NS_PER_MS = 1_000_000n;

/** How the peer opens. */
export interface Opening {
  mss?: number;
  sack?: boolean;
  wscale?: number;
  srcPort?: number;
}

/** A connection that the peer has opened to a listening host. */
export class Peer {
  readonly host: Host;
  readonly fd: number;
  readonly srcPort: number;
  /** The host's ISN. */
  readonly iss: number;

  private constructor(host: Host, fd: number, srcPort: number, iss: number) {
    this.host = host;
    this.fd = fd;
    this.srcPort = srcPort;
    this.iss = iss;
  }

  /** A host that listens at port 80, and its non-blocking listener. */
  static async listening(options: HostOptions = {}, backlog = 1000): Promise<{ host: Host; listener: number }> {
    const host = await Host.create({ addresses: ["10.0.0.1"], ...options });
    const listener = host.socket(2, 1 | 0o4000);
    host.bind(listener, { address: "0.0.0.0", port: PORT });
    host.listen(listener, backlog);
    return { host, listener };
  }

  static async connected(options: HostOptions = {}, opening: Opening = {}): Promise<Peer> {
    const { host, listener } = await Peer.listening(options);
    return Peer.connects(host, listener, opening);
  }

  static connects(host: Host, listener: number, { mss = 1460, sack = true, wscale, srcPort = 4000 }: Opening): Peer {
    const options = [...MSS(mss), ...(sack ? SACK_OK : []), ...(wscale === undefined ? [] : WSCALE(wscale))];
    const ends = { src: PEER, dst: HOST, srcPort, dstPort: PORT };
    host.input(forge({ ...ends, flags: "S", seq: ISN, options }));
    const answer = host.output().map(({ packet }) => see(packet)!).find(({ flags }) => flags.startsWith("SA"))!;
    host.run(host.now + 50n * NS_PER_MS);
    host.input(forge({ ...ends, seq: ISN + 1, ack: answer.seq + 1 }));
    const accepted = host.accept(listener);
    assert.ok("result" in accepted && accepted.result >= 0, "nothing to accept");
    host.fcntl(accepted.result, 4, 0o4000);
    return new Peer(host, accepted.result, srcPort, answer.seq);
  }

  /** A packet of the peer's, or in its name. */
  sends(packet: Partial<Forged> = {}): void {
    const { seq = 1, ack = 1, ...rest } = packet;
    this.host.input(forge({
      src: PEER,
      dst: HOST,
      srcPort: this.srcPort,
      dstPort: PORT,
      seq: ISN + seq >>> 0,
      ack: this.iss + ack >>> 0,
      ...rest,
    }));
  }

  /** An edge of a SACK block, as it stands in the option. */
  edge(seq: number): number {
    return this.iss + seq >>> 0;
  }

  /** What the host has sent since last asked. */
  hears(): Seen[] {
    return this.host.output().map(({ packet }) => see(packet)!).map((seen) => ({
      ...seen,
      seq: seen.seq - this.iss >>> 0,
      ack: seen.ack - ISN >>> 0,
    }));
  }

  passes(ms: number): void {
    this.host.run(this.host.now + BigInt(ms) * NS_PER_MS);
  }

  /** A member of TCP_INFO. */
  info(name: string): number {
    const info = this.host.tcpInfo(this.fd);
    assert.ok(typeof info === "object");
    return Number((info as unknown as Record<string, number | bigint>)[name]);
  }

  get isOpen(): boolean {
    return this.info("tcpi_state") === 1;
  }
}
