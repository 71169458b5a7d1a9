/** Random numbers for tests, the same for one seed everywhere. */
import process from "node:process";

/** The seed of this run's tests: `CWND_TEST_SEED`, or 1. */
export function testSeed(): number {
  return Number(process.env.CWND_TEST_SEED ?? 1);
}

/** Steele and Vigna's SplitMix, in 32 bits. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 32 random bits. */
  u32(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** An integer from 0 to below `n`. */
  below(n: number): number {
    return Math.floor(this.u32() / 0x1_0000_0000 * n);
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.u32() < p * 0x1_0000_0000;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}
