/** RFC 6298 §2 word by word, in seconds and floating point. */
export class RtoOracle {
  srtt = 0;
  rttvar = 0;
  rto: number;
  #first = true;
  readonly #minimum: number;
  readonly #maximum: number;

  constructor(initial_s: number, minimum_s: number, maximum_s: number) {
    this.rto = initial_s;
    this.#minimum = minimum_s;
    this.#maximum = maximum_s;
  }

  sample(r: number): void {
    if (this.#first) {
      // (2.2)
      this.srtt = r;
      this.rttvar = r / 2;
      this.#first = false;
    } else {
      // (2.3), in this order
      this.rttvar = (1 - 1 / 4) * this.rttvar + 1 / 4 * Math.abs(this.srtt - r);
      this.srtt = (1 - 1 / 8) * this.srtt + 1 / 8 * r;
    }
    // (2.3), (2.4), (2.5); the clock's granularity is below every RTTVAR here
    this.rto = Math.min(Math.max(this.srtt + 4 * this.rttvar, this.#minimum), this.#maximum);
  }
}
