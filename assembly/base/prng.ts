/**
 * Random numbers: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). A stream is one u64 in memory;
 * streams are split from the seed by name and number, so one more flow changes no other's draws.
 */
import { engine } from "./root";

export const enum Stream {
  SECRET = 1,
  LOSS = 2,
  REORDER = 3,
  DUPLICATE = 4,
  CORRUPT = 5,
  JITTER = 6,
  SOURCE = 7,
}

export function mix64(x: u64): u64 {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/** The first state of stream `stream`, number `index`. */
export function splitStream(stream: u32, index: u32): u64 {
  return mix64(mix64(engine().seed ^ ((<u64>stream) << 32)) + (<u64>index + 1) * 0x9e3779b97f4a7c15);
}

/** The next draw of the stream whose state lies at `state`. */
export function nextRandom(state: usize): u64 {
  const s = load<u64>(state) + 0x9e3779b97f4a7c15;
  store<u64>(state, s);
  return mix64(s);
}

/** Uniform in (0, 1]. */
export function nextUniform(state: usize): f64 {
  return (<f64>(nextRandom(state) >> 11) + 1.0) * (1.0 / 9007199254740992.0);
}

/** Exponential with the given mean. */
export function nextExponential(state: usize, mean: f64): f64 {
  return -mean * Math.log(nextUniform(state));
}
