/** Real time in nanoseconds since the clock was made: what the engine knows as now. */
export class Clock {
  readonly #start = performance.now();

  /** Never goes backwards. */
  now(): bigint {
    return BigInt(Math.round((performance.now() - this.#start) * 1e6));
  }
}
