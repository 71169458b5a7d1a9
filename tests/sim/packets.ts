/** What captures of a run show: each packet with where and when it was seen. */
import { type Scenario, simulate } from "../../src/mod.ts";
import type { RunResult } from "../../src/mod.ts";
import { readPcapng } from "../trace/pcapng_reader.ts";
import { concat } from "../trace/records.ts";

const IP_HEADER = 20;

export interface SeenPacket {
  time_ns: number;
  /** Name of the captured link. */
  link: string;
  /** Number of the flow: clients on a path take ports from 49152 up. */
  flow: number;
  /** From the end that opened the connection. */
  forth: boolean;
  seq: number;
  ack: number;
  syn: boolean;
  fin: boolean;
  /** Payload bytes. */
  len: number;
  ipBytes: number;
}

const FIRST_CLIENT_PORT = 49152;

/** Runs `scenario` with captures at the links that it names. */
export async function runCaptured(scenario: Scenario): Promise<{ result: RunResult; packets: SeenPacket[] }> {
  const chunks: Uint8Array[] = [];
  const result = await simulate(scenario, { capture: (bytes) => chunks.push(bytes) });
  const { interfaces, packets } = readPcapng(concat(chunks));
  return {
    result,
    packets: packets.map(({ time, interface: number, data, originalLength }) => {
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      const [source, destination] = [view.getUint16(IP_HEADER), view.getUint16(IP_HEADER + 2)];
      const forth = source >= FIRST_CLIENT_PORT;
      const flags = data[IP_HEADER + 13];
      const headers = IP_HEADER + (data[IP_HEADER + 12] >> 4) * 4;
      return {
        time_ns: Number(time),
        link: interfaces[number].name ?? "",
        flow: (forth ? source : destination) - FIRST_CLIENT_PORT,
        forth,
        seq: view.getUint32(IP_HEADER + 4),
        ack: view.getUint32(IP_HEADER + 8),
        syn: (flags & 2) !== 0,
        fin: (flags & 1) !== 0,
        len: originalLength - headers,
        ipBytes: originalLength,
      };
    }),
  };
}
