/**
 * A window one packet at a time, with none of TCP around it: the oracle of the response functions. It adds to their
 * closed forms what every real sender has, and what matters below some 50 segments: a round trip until a loss is
 * noticed, another to recover, and windows of whole segments.
 *
 *          lost           noticed        recovered
 *      -----|----- RTT -----|----- RTT -----|----- growth ----
 *            the window still grows    beta W
 */
import { Random } from "../scenario/random.ts";

const DUP_THRESH = 3;
const C = 0.4;
const BETA = { reno: 0.5, cubic: 0.7 };
/** RFC 9438 §4.3. */
const ALPHA_CUBIC = 3 * (1 - BETA.cubic) / (1 + BETA.cubic);

export type Controller = keyof typeof BETA;
/** Says of each packet, in order, whether it is lost. */
export type LossProcess = () => boolean;

export function periodicLoss(every: number): LossProcess {
  let count = 0;
  return () => ++count % every === 0;
}

export function bernoulliLoss(p: number, seed: number): LossProcess {
  const random = new Random(seed);
  return () => random.next() < p;
}

export interface WindowRun {
  cc: Controller;
  rtt_s: number;
  lost: LossProcess;
  /** The window begins here, which saves the way down from slow start's overshoot. */
  window: number;
  packets: number;
  /** Packets before the mean begins. */
  warmup: number;
}

/** Mean over time of the window, in segments. */
export function meanWindow({ cc, rtt_s, lost, window, packets, warmup }: WindowRun): number {
  let w = window;
  let growth = controllers[cc](w, 0);
  let w_max = w;
  let noticed = Infinity;
  let recovered = 0;
  let time = 0;
  let measured = 0;
  for (let packet = 0; packet < packets; packet++) {
    const step = rtt_s / Math.floor(w);
    time += step;
    if (packet >= warmup) measured += step;
    if (lost() && noticed === Infinity) noticed = packet + Math.floor(w) - 1 + DUP_THRESH;
    if (packet >= noticed) {
      const reduced = cc === "cubic" ? Math.max(2, Math.floor(Math.floor(w) * 717 / 1024)) : Math.max(2, w * BETA[cc]);
      // RFC 9438 §4.7: fast convergence
      w_max = w < w_max ? w * (1 + BETA.cubic) / 2 : w;
      growth = controllers[cc](reduced, w_max, w);
      w = reduced;
      noticed = Infinity;
      recovered = packet + w;
    } else if (packet >= recovered && packet < noticed - DUP_THRESH) {
      w = growth(w, rtt_s / Math.floor(w), rtt_s);
    }
  }
  return (packets - warmup) * rtt_s / measured;
}

/** The window after one more acknowledged packet, `step_s` after the last. */
type Growth = (w: number, step_s: number, rtt_s: number) => number;

const controllers: Record<Controller, (w: number, w_max: number, prior?: number) => Growth> = {
  /** RFC 5681 §3.1: one segment more for each window acknowledged. */
  reno: () => {
    let acked = 0;
    return (w) => {
      if (++acked < w) return w;
      acked = 0;
      return Math.floor(w) + 1;
    };
  },
  /** RFC 9438 §4.1 to §4.5. */
  cubic: (w_epoch, w_max, prior = 0) => {
    const origin = Math.max(w_epoch, w_max);
    const k = Math.cbrt((origin - w_epoch) / C);
    let w_est = w_epoch;
    let t = 0;
    const cubic = (at: number): number => C * (at - k) ** 3 + origin;
    return (w, step_s, rtt_s) => {
      t += step_s;
      w_est += (w_est < prior ? ALPHA_CUBIC : 1) / w;
      if (cubic(t) < w_est) return Math.max(w, w_est);
      const target = Math.min(Math.max(cubic(t + rtt_s), w), 1.5 * w);
      return w + (target - w) / w;
    };
  },
};
