/** V10 and V11: the mean window by the rate of loss. */
import { runLossyPath } from "./path.ts";
import { type Origin, type Row, within } from "./row.ts";
import { bernoulliLoss, type Controller, type LossProcess, meanWindow, periodicLoss } from "./window_model.ts";

const RFC_9438: Origin = { id: "V10", source: "RFC 9438 tables 1, 2" };
const MODEL: Origin = { id: "V10", source: "a window by packets (d)" };
const OTT: Origin = { id: "V10", source: "Ott et al. 1996 (d)" };
const MATHIS: Origin = { id: "V11", source: "Mathis 1997 (d)" };

const PERIODIC = 0.05;
const BERNOULLI = 0.1;

/**
 * Reno's mean window times the square root of p, when losses are independent. W^2 grows by 2 a packet and falls to a
 * quarter at each loss, so that a packet finds W^2 = 2/p sum(4^-k E_k) with exponential E_k. The mean over time is
 * 1 / E[1/W], and E[X^-1/2] is the integral over v > 0 of 2 / sqrt(pi) E[exp(-v^2 X)].
 */
function renoBernoulli(): number {
  const laplace = (v: number): number => {
    let product = 1;
    for (let share = v ** 2; share > 1e-9; share /= 4) product *= 1 + share;
    return 1 / product;
  };
  const step = 0.01;
  let integral = 0;
  for (let v = step / 2; v < 1000; v += step) integral += laplace(v) * step;
  return Math.sqrt(2 * Math.PI) / (2 * integral);
}

/** Losses before the mean begins, and while it is taken. */
interface Cycles {
  warmup: number;
  measured: number;
}

/**
 * Where its window is larger than Reno's, CUBIC takes hundreds of periodic losses to settle: a window just below the
 * last one's is taken for a newcomer's claim, fast convergence gives way, and each cycle wins back a tenth of a segment.
 */
function periodicCycles(p: number, expected: number): Cycles {
  return { warmup: expected > 1.4 / Math.sqrt(p) ? 500 : 40, measured: 40 };
}

/** Independent losses spread the mean over 200 of them by 4 %. */
function bernoulliCycles(p: number): Cycles {
  return { warmup: 20, measured: Math.round(Math.min(5000, Math.max(200, 1e6 * p))) };
}

/** RFC 9438 §5.1: average windows in segments, by controller, round-trip time and p. */
const TABLE: { cc: Controller; rtt_s: number; windows: [number, number][] }[] = [
  { cc: "reno", rtt_s: 0.1, windows: [[1e-2, 12], [1e-3, 38], [1e-4, 120]] },
  { cc: "cubic", rtt_s: 0.1, windows: [[1e-2, 12], [1e-3, 38], [1e-4, 187]] },
  { cc: "cubic", rtt_s: 0.01, windows: [[1e-2, 12], [1e-3, 38], [1e-4, 120]] },
];

/** Below this a closed form leaves out too much: the round trip of recovery is a tenth of all, and a segment too. */
const FLUID_WINDOW_MIN = 30;

export async function responseFunctions(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { cc, rtt_s, windows } of TABLE) {
    for (const [p, published] of windows) rows.push(...await periodicRows(cc, rtt_s, p, published));
  }
  for (const { cc, rtt_s, windows } of TABLE) {
    for (const [p, published] of windows) rows.push(await bernoulliRow(cc, rtt_s, p, published));
  }
  return rows;
}

async function periodicRows(cc: Controller, rtt_s: number, p: number, published: number): Promise<Row[]> {
  const every = Math.round(1 / p);
  const cycles = periodicCycles(p, published);
  const measured = await engineWindow(cc, rtt_s, p, published, { kind: "periodic", every }, cycles);
  const what = `${cc}, RTT ${rtt_s} s, a loss every ${every} packets: mean cwnd`;
  const model = within(
    MODEL,
    what,
    modelWindow(cc, rtt_s, p, published, periodicLoss(every), cycles),
    measured,
    PERIODIC,
  );
  return published < FLUID_WINDOW_MIN ? [model] : [within(RFC_9438, what, published, measured, PERIODIC), model];
}

/** RFC 9438's tables are for periodic losses; how far independent ones raise CUBIC's window only a model tells. */
async function bernoulliRow(cc: Controller, rtt_s: number, p: number, published: number): Promise<Row> {
  const cycles = bernoulliCycles(p);
  const measured = await engineWindow(cc, rtt_s, p, published, { kind: "bernoulli", p }, cycles);
  const what = `${cc}, RTT ${rtt_s} s, each packet lost with p ${p}: mean cwnd`;
  if (cc === "reno" && published >= FLUID_WINDOW_MIN) {
    return within(OTT, what, renoBernoulli() / Math.sqrt(p), measured, BERNOULLI);
  }
  const model = modelWindow(cc, rtt_s, p, published, bernoulliLoss(p, 1), { ...cycles, measured: 500 });
  return within(MODEL, what, model, measured, BERNOULLI);
}

function engineWindow(
  cc: Controller,
  rtt_s: number,
  p: number,
  expected: number,
  loss: { kind: "periodic"; every: number } | { kind: "bernoulli"; p: number },
  cycles: Cycles,
  tcp: Parameters<typeof runLossyPath>[0]["tcp"] = {},
  ccOptions: Record<string, boolean> = {},
): Promise<number> {
  const cycle_s = rtt_s / p / expected;
  return runLossyPath({
    // Slow start is to end at the first loss, and not before
    flow: { cc, ccOptions: cc === "cubic" ? { hystart: false, exact: true, ...ccOptions } : ccOptions },
    rtt_s,
    loss,
    // Slow start ends near the window that is to come, not at 1/p
    firstLoss: Math.max(10, Math.round(2.2 * expected)),
    warmup_s: cycles.warmup * cycle_s,
    duration_s: (cycles.warmup + cycles.measured) * cycle_s,
    tcp,
  }).then((flow) => flow.cwnd_mean);
}

function modelWindow(
  cc: Controller,
  rtt_s: number,
  p: number,
  expected: number,
  lost: LossProcess,
  cycles: Cycles,
): number {
  return meanWindow({
    cc,
    rtt_s,
    lost,
    window: 1.1 * expected,
    packets: (cycles.warmup + cycles.measured) / p,
    warmup: cycles.warmup / p,
  });
}

/**
 * The window climbs from W/2 to W, a segment each b round trips: 3/8 b W^2 packets from one loss to the next, and the
 * mean is 3/4 W. An ACK for each packet has b 1, delayed ACKs have b 2, unless acknowledged bytes are what is counted.
 */
function mathisConstant(b: number): number {
  return 0.75 * Math.sqrt(8 / (3 * b));
}

interface MathisCase {
  acks: string;
  b: number;
  ps: number[];
  delayedAck: boolean;
  ccOptions: Record<string, boolean>;
}

const MATHIS_CASES: MathisCase[] = [
  { acks: "an ACK a packet", b: 1, ps: [1e-3, 1e-4], delayedAck: false, ccOptions: {} },
  { acks: "delayed ACKs, ACKs counted", b: 2, ps: [1e-3, 1e-4], delayedAck: true, ccOptions: { abc: false } },
  { acks: "delayed ACKs, bytes counted", b: 1, ps: [1e-4], delayedAck: true, ccOptions: {} },
];

export async function mathis(): Promise<Row[]> {
  const [mss, rtt_s] = [1460, 0.1];
  const rows: Row[] = [];
  for (const { acks, b, ps, delayedAck, ccOptions } of MATHIS_CASES) {
    for (const p of ps) {
      const window = mathisConstant(b) / Math.sqrt(p);
      const loss = { kind: "periodic", every: Math.round(1 / p) } as const;
      // mss counts the payload beside timestamps: without them it is 1460
      const tcp = { mss: mss - 12, timestamps: false, delayedAck };
      const measured = await engineWindow("reno", rtt_s, p, window, loss, periodicCycles(p, window), tcp, ccOptions);
      const mbps = (segments: number): number => segments * mss * 8 / rtt_s / 1e6;
      const what = `Reno's rate in Mbit/s, p ${p}, ${acks}`;
      rows.push(within(MATHIS, what, mbps(window), mbps(measured), PERIODIC));
    }
  }
  return rows;
}
