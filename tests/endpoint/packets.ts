/** IP packets made by hand, with only as much in them as a link looks at. */

/** An IPv4 packet with a TCP header and `payload` bytes of text, each the packet's number. */
export function tcpPacket(number: number, payload: number): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(40 + payload).fill(number & 0xff, 40);
  packet[0] = 0x45;
  packet[9] = 6;
  packet[32] = 0x50;
  new DataView(packet.buffer).setUint16(2, packet.length);
  return packet;
}

/** The same over IPv6. */
export function tcpPacket6(number: number, payload: number): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(60 + payload).fill(number & 0xff, 60);
  packet[0] = 0x60;
  packet[6] = 6;
  packet[52] = 0x50;
  new DataView(packet.buffer).setUint16(4, packet.length - 40);
  return packet;
}
