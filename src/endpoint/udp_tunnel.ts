/**
 * IP packets in UDP datagrams, one in each, between this process and one peer: what `socat` puts on a TUN device, or
 * another `cwnd attach`. Each runtime has a fastest way to its sockets, and takes it: Deno its own datagrams where they
 * are allowed (`--unstable-net`), Bun its batches, everything else `node:dgram`.
 */
import dgram from "node:dgram";
import { isIP } from "node:net";

/** Both ends of a tunnel. */
export interface TunnelAddress {
  /** UDP port of this end. */
  port: number;
  /** UDP port of the other end. */
  peerPort: number;
  /** Address that this end binds; the loopback address when absent. */
  host?: string;
  /** Address of the other end; the loopback address when absent. */
  peerHost?: string;
}

/** A tunnel under way. Datagrams of others than the peer are ignored. */
export interface Tunnel {
  /** Sends a packet, at `flush` at the latest. The bytes must stay as they are. */
  send(packet: Uint8Array): void;
  /** Sends what waits for company. */
  flush(): void;
  /** Gives the socket back; nothing arrives any more. */
  close(): Promise<void>;
}

/** Takes a packet, whose bytes are its own until it returns. */
export type PacketHandler = (packet: Uint8Array) => void;

const LOOPBACK = "127.0.0.1";
/** As much as Linux grants without privileges on most machines; what it does not grant it cuts. */
const SOCKET_BUFFER_BYTES = 4 << 20;
const PACKET_BYTES_MAX = 65535;

type Opener = (address: Required<TunnelAddress>, onPacket: PacketHandler) => Promise<Tunnel>;

/** The ways to open a tunnel that this runtime has, fastest first. */
export function openers(): Opener[] {
  const { Bun, Deno } = globalThis as unknown as { Deno?: DenoDatagrams; Bun?: BunDatagrams };
  const found: Opener[] = [openNode];
  if (Deno?.listenDatagram !== undefined) found.unshift((...all) => openDeno(Deno, ...all));
  if (Bun !== undefined) found.unshift((...all) => openBun(Bun, ...all));
  return found;
}

/** Opens this end of a tunnel. Refuses with the system's error when the port is taken. */
export function openTunnel(address: TunnelAddress, onPacket: PacketHandler): Promise<Tunnel> {
  return openers()[0]({ host: LOOPBACK, peerHost: LOOPBACK, ...address }, onPacket);
}

/** Whether a datagram is the peer's: by port, and by address where it was given as one and not as a name. */
function fromPeer(peerHost: string, peerPort: number): (address: string, port: number) => boolean {
  const known = isIP(peerHost) !== 0 ? canonical(peerHost) : undefined;
  return (address, port) => port === peerPort && (known === undefined || canonical(address) === known);
}

/** One spelling for each address: IPv6 has many. */
function canonical(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address.replace(/%.*/, "")}]`).hostname : address;
}

// ---- Node, and Deno without --unstable-net -------------------------------------------------------------------------

function openNode(address: Required<TunnelAddress>, onPacket: PacketHandler): Promise<Tunnel> {
  const { port, peerPort, host, peerHost } = address;
  const isPeer = fromPeer(peerHost, peerPort);
  const socket = dgram.createSocket({ type: host.includes(":") ? "udp6" : "udp4" });
  // The peer may not be there yet, or not any more: a wire without anybody at its end loses what is sent
  const ignore = (): void => {};
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, host, () => {
      socket.off("error", reject);
      socket.on("error", ignore);
      enlargeBuffers(socket);
      socket.on("message", (packet, from) => {
        if (isPeer(from.address, from.port)) onPacket(packet);
      });
      resolve({
        send: "Deno" in globalThis
          ? oneByOne((packet) => new Promise<void>((sent) => socket.send(packet, peerPort, peerHost, () => sent())))
          : (packet) => socket.send(packet, peerPort, peerHost, ignore),
        flush: ignore,
        close: () => new Promise((closed) => socket.close(() => closed())),
      });
    });
  });
}

/** Under Deno each datagram would then take a receive buffer of this size. */
function enlargeBuffers(socket: dgram.Socket): void {
  if ("Deno" in globalThis) return;
  socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
  socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
}

/**
 * Sends in order of call. Deno polls calls that were made together latest first, through `node:dgram` too, so each
 * has to wait for the one before.
 */
function oneByOne(sendOne: (packet: Uint8Array) => Promise<unknown>): (packet: Uint8Array) => void {
  let waiting: Uint8Array[] = [];
  let sending = false;
  const drain = async (): Promise<void> => {
    sending = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      // Nobody at the other end is no error: a wire loses what is sent then
      for (const packet of batch) await sendOne(packet).catch(() => {});
    }
    sending = false;
  };
  return (packet) => {
    waiting.push(packet);
    if (!sending) void drain();
  };
}

// ---- Deno ----------------------------------------------------------------------------------------------------------

interface DenoAddress {
  transport: "udp";
  hostname: string;
  port: number;
}

interface DenoDatagrams {
  listenDatagram?(options: DenoAddress): {
    receive(buffer: Uint8Array): Promise<[Uint8Array, DenoAddress]>;
    send(packet: Uint8Array, to: DenoAddress): Promise<number>;
    close(): void;
  };
}

// deno-lint-ignore require-await -- a port that is taken must reject, not throw
async function openDeno(
  deno: DenoDatagrams,
  { port, peerPort, host, peerHost }: Required<TunnelAddress>,
  onPacket: PacketHandler,
): Promise<Tunnel> {
  const socket = deno.listenDatagram!({ transport: "udp", hostname: host, port });
  const isPeer = fromPeer(peerHost, peerPort);
  const peer: DenoAddress = { transport: "udp", hostname: peerHost, port: peerPort };
  let open = true;
  const receive = async (): Promise<void> => {
    const buffer = new Uint8Array(PACKET_BYTES_MAX);
    while (open) {
      try {
        const [packet, from] = await socket.receive(buffer);
        if (isPeer(from.hostname, from.port)) onPacket(packet);
      } catch (error) {
        // Nobody at the other end shows up as a refused connection
        if (open && (error as Error).name !== "ConnectionRefused") throw error;
      }
    }
  };
  const received = receive();
  return {
    send: oneByOne((packet) => socket.send(packet, peer)),
    flush: () => {},
    close: () => {
      open = false;
      socket.close();
      return received;
    },
  };
}

// ---- Bun -----------------------------------------------------------------------------------------------------------

interface BunDatagrams {
  udpSocket(options: {
    hostname: string;
    port: number;
    binaryType: "uint8array";
    socket: {
      data(socket: unknown, packet: Uint8Array, port: number, address: string): void;
      drain(): void;
      error(): void;
    };
  }): Promise<{
    /** Triples of packet, port and host; how many packets were taken. */
    sendMany(packets: (Uint8Array | number | string)[]): number;
    close(): void;
  }>;
}

/** One `sendmmsg` takes as many. */
const BATCH = 64;
const TRIPLE = 3;

async function openBun(
  bun: BunDatagrams,
  { port, peerPort, host, peerHost }: Required<TunnelAddress>,
  onPacket: PacketHandler,
): Promise<Tunnel> {
  const isPeer = fromPeer(peerHost, peerPort);
  let waiting: (Uint8Array | number | string)[] = [];
  const flush = (): void => {
    while (waiting.length > 0) {
      const taken = socket.sendMany(waiting.slice(0, BATCH * TRIPLE));
      // The socket's buffer is full: `drain` says when to go on
      if (taken <= 0) return;
      waiting = waiting.slice(taken * TRIPLE);
    }
  };
  const socket = await bun.udpSocket({
    hostname: host,
    port,
    binaryType: "uint8array",
    socket: {
      data: (_socket, packet, from, address) => {
        if (isPeer(address, from)) onPacket(packet);
      },
      drain: flush,
      error: () => {},
    },
  });
  return {
    send(packet: Uint8Array): void {
      waiting.push(packet, peerPort, peerHost);
      if (waiting.length === BATCH * TRIPLE) flush();
    },
    flush,
    close(): Promise<void> {
      socket.close();
      return Promise.resolve();
    },
  };
}
