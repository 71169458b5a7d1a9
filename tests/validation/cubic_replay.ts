/**
 * V5: CUBIC's state, ACK by ACK, beside an oracle that is told only when an ACK came and when a loss was noticed.
 * RFC 9438 with its names; the arithmetic is in doubles on both sides, so what is equal is equal to the bit.
 */
import { Engine } from "../../src/core/engine.ts";
import { CaState, Engine as EngineLayout, RunStatus, Tcb } from "../../src/core/layout.gen.ts";
import { compile } from "../../src/scenario/compile.ts";
import { normalize } from "../../src/scenario/normalize.ts";
import { cbrt } from "../oracles/cubic.ts";
import { lossyPath, MSS } from "./path.ts";
import { exact, type Origin, type Row, within } from "./row.ts";

const ORIGIN: Origin = { id: "V5", source: "RFC 9438 (d)" };
const C = 0.4;
const BETA_CUBIC = 0.7;
const ALPHA_CUBIC = 3 * (1 - BETA_CUBIC) / (1 + BETA_CUBIC);

/** What is compared. */
interface Window {
  cwnd: number;
  w_max: number;
  k: number;
  w_est: number;
}

class CubicOracle {
  cwnd: number;
  ssthresh = Infinity;
  w_max = 0;
  k = 0;
  w_est = 0;
  #origin = 0;
  #prior = 0;
  #epoch_ns: number | null = null;

  constructor(initialWindow: number) {
    this.cwnd = initialWindow;
  }

  /** One more segment is acknowledged. */
  acked(now_ns: number, srtt_s: number): void {
    if (this.cwnd < this.ssthresh) {
      this.cwnd++;
      return;
    }
    if (this.#epoch_ns === null) this.#beginEpoch(now_ns);
    const t = (now_ns - (this.#epoch_ns ?? 0)) * 1e-9;
    const share = 1 / this.cwnd;
    this.w_est += (this.w_est < this.#prior ? ALPHA_CUBIC : 1) * share;
    if (this.#cubic(t) < this.w_est) {
      this.cwnd = Math.max(this.cwnd, this.w_est);
      return;
    }
    const target = Math.min(Math.max(this.#cubic(t + srtt_s), this.cwnd), 1.5 * this.cwnd);
    this.cwnd += share * (target - this.cwnd);
  }

  /** §4.6, §4.7 */
  lost(): void {
    this.w_max = this.cwnd < this.w_max ? this.cwnd * (1 + BETA_CUBIC) / 2 : this.cwnd;
    this.#prior = this.cwnd;
    // Linux's 0.7, in whole segments
    this.cwnd = Math.max(Math.floor(Math.floor(this.cwnd) * 717 / 1024), 2);
    this.ssthresh = this.cwnd;
    this.#epoch_ns = null;
  }

  #beginEpoch(now_ns: number): void {
    this.#epoch_ns = now_ns;
    this.w_est = this.cwnd;
    this.#origin = Math.max(this.w_max, this.cwnd);
    this.k = cbrt((this.#origin - this.cwnd) / C);
  }

  #cubic(t: number): number {
    const d = t - this.k;
    return C * d * d * d + this.#origin;
  }
}

/** What the run showed. */
interface Replay {
  acks: number;
  epochs: number;
  /** ACKs after which the engine's window was not the oracle's. */
  differences: number;
  /** Round trips and segments of the Reno-friendly growth below the window before the last loss. */
  friendly: { rounds: number; segments: number };
}

async function replay(rtt_s: number, losses: number[], duration_s: number): Promise<Replay> {
  const engine = await Engine.load();
  const scenario = lossyPath({
    flow: { cc: "cubic", ccOptions: { hystart: false, exact: true } },
    rtt_s,
    loss: { kind: "list", packets: losses },
    duration_s,
  });
  const { a } = compile(engine, normalize(scenario), false, false).flows[0];
  const cubicState = a + Tcb.cc_priv0.offset;
  const double = (at: number): number => engine.view.getFloat64(cubicState + 8 * at, true);
  // The first words of the core's CubicState, in its order; the fraction is what cwnd has grown beyond whole segments
  const window = (): Window => ({
    cwnd: engine.get(a, Tcb.cwnd) + double(5),
    w_max: double(0),
    k: double(1),
    w_est: double(3),
  });

  const until = BigInt(Math.round(duration_s * 1e9));
  const result: Replay = { acks: 0, epochs: 0, differences: 0, friendly: { rounds: 0, segments: 0 } };
  let oracle: CubicOracle | null = null;
  let una = 0;
  let state: number = CaState.OPEN;
  while (engine.exports.run(until, 1) !== RunStatus.DONE) {
    const cwnd = engine.get(a, Tcb.cwnd);
    if (cwnd === 0) continue;
    if (oracle === null) {
      oracle = new CubicOracle(cwnd);
      una = engine.get(a, Tcb.snd_una);
      continue;
    }
    const before = { state, est: oracle.w_est, cwnd: oracle.cwnd };
    state = engine.get(a, Tcb.ca_state);
    const acked = ((engine.get(a, Tcb.snd_una) - una) >>> 0) / MSS;
    una = engine.get(a, Tcb.snd_una);
    if (state === CaState.RECOVERY) {
      if (before.state !== CaState.RECOVERY) {
        oracle.lost();
        result.epochs++;
      }
      continue;
    }
    if (acked === 0) continue;
    // The ACK that ends a recovery brings the one segment that was missing; all others had been SACKed
    const now_ns = engine.get(engine.root, EngineLayout.now);
    oracle.acked(now_ns, (engine.get(a, Tcb.srtt_us8) >>> 3) * 1e-6);
    result.acks++;
    const { cwnd: w, w_max, k, w_est } = window();
    if (w !== oracle.cwnd || w_max !== oracle.w_max || k !== oracle.k || w_est !== oracle.w_est) result.differences++;
    if (result.epochs > 0 && w_est === w && w_est < oracle.w_max) {
      result.friendly.rounds += 1 / Math.floor(before.cwnd);
      result.friendly.segments += w - before.cwnd;
    }
  }
  return result;
}

export async function cubicWindows(): Promise<Row[]> {
  const cubic = await replay(0.1, [400, 2000, 30_000], 20);
  const friendly = await replay(0.01, [60], 1.2);
  const alpha = friendly.friendly.segments / friendly.friendly.rounds;
  return [
    exact(
      ORIGIN,
      `ACKs of ${cubic.acks} after which cwnd, K, W_max, W_est differ from the oracle`,
      0,
      cubic.differences,
    ),
    exact(ORIGIN, "losses in that run, the second before W_max is reached again", 3, cubic.epochs),
    exact(ORIGIN, `the same of ${friendly.acks} ACKs in the Reno-friendly region`, 0, friendly.differences),
    within(ORIGIN, "alpha_cubic: segments a round trip in the Reno-friendly region", ALPHA_CUBIC, alpha, 0.02),
  ];
}
