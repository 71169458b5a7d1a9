/** Where the events of a script stand in time, and how far off they may be. All in microseconds of the script. */
import type { Config } from "./config.ts";
import type { Difference } from "./mismatch.ts";
import { secondsText } from "./notation.ts";
import type { Event } from "./syntax.ts";

/** When an event should happen. */
export interface Scheduled {
  readonly at: number;
  /** The end of a range; `at` without one. */
  readonly until: number;
  /** Whenever it comes. */
  readonly any: boolean;
  /** What this and the end of a blocking call count from. */
  readonly base: number;
  readonly tolerance: number;
}

/** How long after its time a packet may still be waited for. */
export const PATIENCE = 2_000_000;
/** The same for a packet that may come at any time. */
export const PATIENCE_ANY = 120_000_000;

/** Follows the events of one script. */
export class Timeline {
  readonly #config: Config;
  #before: { event: Event; at: number } | undefined;

  /** For a script with these tolerances. */
  constructor(config: Config) {
    this.#config = config;
  }

  /** When `event`, the next one, should happen, as its turn comes at `now`. */
  schedule(event: Event, now: number): Scheduled {
    const { time } = event;
    const before = this.#before;
    // Injected packets must not drift with the time that each of them takes
    const inARow = event.action.kind === "inbound" && before?.event.action.kind === "inbound";
    const base = time.kind === "absolute" ? 0 : inARow ? before.at : now;
    const at = time.kind === "any" ? now : base + time.at;
    const until = time.kind === "any" || time.until === undefined ? at : base + time.until;
    const tolerance = this.toleranceOf(at - (before?.at ?? 0));
    this.#before = { event, at };
    return { at, until, any: time.kind === "any", base, tolerance };
  }

  /** How far off an event may be that comes this long after the one before. */
  toleranceOf(gap: number): number {
    return Math.max(this.#config.toleranceUsecs, Math.max(gap, 0) * this.#config.tolerancePercent / 100);
  }
}

/** What is wrong with the time of something that happened from `at` to `until`. */
export function timeDifference(scheduled: Scheduled, at: number, until = at): Difference | undefined {
  if (scheduled.any) return undefined;
  const { tolerance } = scheduled;
  if (at >= scheduled.at - tolerance && until <= scheduled.until + tolerance) return undefined;
  const range = scheduled.at === scheduled.until
    ? secondsText(scheduled.at)
    : `${secondsText(scheduled.at)}~${secondsText(scheduled.until)}`;
  const got = at < scheduled.at - tolerance ? at : until;
  return { expected: `time ${range} +/- ${secondsText(Math.round(tolerance))}`, got: secondsText(got) };
}
