/** Capture records as the core writes them, for tests of what reads them. */
import { CaptureRecord } from "../../src/core/layout.gen.ts";

export interface CapturedPacket {
  time: bigint;
  interface?: number;
  data?: Uint8Array;
  originalLength?: number;
}

export function captureRecord(packet: CapturedPacket): Uint8Array {
  const data = packet.data ?? new Uint8Array(40);
  const bytes = new Uint8Array(CaptureRecord.size + Math.ceil(data.length / 8) * 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(CaptureRecord.time.offset, packet.time, true);
  view.setUint32(CaptureRecord.interface.offset, packet.interface ?? 0, true);
  view.setUint32(CaptureRecord.caplen.offset, data.length, true);
  view.setUint32(CaptureRecord.origlen.offset, packet.originalLength ?? data.length, true);
  bytes.set(data, CaptureRecord.size);
  return bytes;
}

export function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
