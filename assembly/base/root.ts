import { AckSample, Engine } from "../layout/engine";

/** The run's root struct and, behind it, the arena's free lists: the only static memory of the run. */
const ROOT: usize = memory.data(704, 64);

export const ARENA_LISTS: usize = ROOT + 576;

if (offsetof<Engine>() > 576) ERROR("Engine has outgrown its place in base/root.ts");

@inline
export function engine(): Engine {
  return changetype<Engine>(ROOT);
}

const ACK_SAMPLE: usize = memory.data(64, 8);

if (offsetof<AckSample>() > 64) ERROR("AckSample has outgrown its place in base/root.ts");

/** Scratch for the ACK at hand. */
@inline
export function ackSample(): AckSample {
  return changetype<AckSample>(ACK_SAMPLE);
}

/** Address of the `Engine`. */
export function rootAddress(): usize {
  return ROOT;
}
