/** TCP flags as the language writes them: letters, `.` for ACK, a digit for the ACE field of RFC 9768. */

/** Bits of the 13th and 14th byte of the header. */
export const TcpFlag = {
  FIN: 0x01,
  SYN: 0x02,
  RST: 0x04,
  PSH: 0x08,
  ACK: 0x10,
  URG: 0x20,
  ECE: 0x40,
  CWR: 0x80,
  AE: 0x100,
} as const;

// In the order in which they are printed
const LETTERS: readonly (readonly [string, number])[] = [
  ["F", TcpFlag.FIN],
  ["S", TcpFlag.SYN],
  ["R", TcpFlag.RST],
  ["P", TcpFlag.PSH],
  ["E", TcpFlag.ECE],
  ["W", TcpFlag.CWR],
  ["A", TcpFlag.AE],
  ["U", TcpFlag.URG],
  [".", TcpFlag.ACK],
];

/** The bits of a text such as `SEW`, `P.` or `5.`; `-` is none. `undefined`: not flags. */
export function readFlags(text: string): number | undefined {
  if (text === "-") return 0;
  let bits = 0;
  for (const letter of text) {
    const bit = /[0-7]/.test(letter) ? aceBits(Number(letter)) : LETTERS.find(([name]) => name === letter)?.[1];
    if (bit === undefined) return undefined;
    bits |= bit;
  }
  return bits;
}

/** The text of flag bits. */
export function flagsText(bits: number): string {
  return LETTERS.filter(([, bit]) => (bits & bit) !== 0).map(([letter]) => letter).join("") || "-";
}

/** The ACE field is AE, CWR and ECE, from the highest bit. */
function aceBits(ace: number): number {
  return ((ace & 4) !== 0 ? TcpFlag.AE : 0) | ((ace & 2) !== 0 ? TcpFlag.CWR : 0) | ((ace & 1) !== 0 ? TcpFlag.ECE : 0);
}
