/**
 * What a receiver holds, byte by byte: the slow, obvious form of RFC 9293 §3.10.7.4's seventh check with the SACK
 * blocks of RFC 2018 §4 and the duplicates of RFC 2883 §4.
 */
export class ReassemblyOracle {
  /** RCV.NXT, counted from 0. */
  nxt = 0;
  /** Which arrival brought each byte last; 0 for none. */
  readonly #brought: Uint32Array;
  #arrivals = 0;

  constructor(size: number) {
    this.#brought = new Uint32Array(size);
  }

  /** Bytes [start, end) arrive. Returns those that had been there already. */
  arrives(start: number, end: number): Set<number> {
    this.#arrivals++;
    const again = new Set<number>();
    for (let byte = start; byte < end; byte++) {
      if (byte < this.nxt || this.#brought[byte] !== 0) again.add(byte);
      this.#brought[byte] = this.#arrivals;
    }
    while (this.nxt < this.#brought.length && this.#brought[this.nxt] !== 0) this.nxt++;
    return again;
  }

  /** Runs of bytes held beyond RCV.NXT, the one touched last in front. */
  blocks(): [number, number][] {
    const runs: { start: number; end: number; touched: number }[] = [];
    for (let byte = this.nxt; byte < this.#brought.length; byte++) {
      if (this.#brought[byte] === 0) continue;
      const last = runs.at(-1);
      if (last !== undefined && last.end === byte) {
        last.end++;
        last.touched = Math.max(last.touched, this.#brought[byte]);
      } else {
        runs.push({ start: byte, end: byte + 1, touched: this.#brought[byte] });
      }
    }
    return runs.sort((a, b) => b.touched - a.touched).map(({ start, end }) => [start, end]);
  }
}
