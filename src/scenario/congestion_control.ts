/** Names of congestion controls, as scenarios have them. */

/**
 * Congestion controls that the engine has.
 *
 * @example
 * ```ts
 * import type { BuiltInCongestionControl } from "@cwnd/cwnd";
 *
 * const all: BuiltInCongestionControl[] = ["cubic", "reno"];
 * ```
 */
export type BuiltInCongestionControl = "cubic" | "reno";

/**
 * Name of a congestion control: editors complete those that the engine has, any other string is looked up when the
 * scenario is read.
 *
 * @example
 * ```ts
 * import type { CongestionControl } from "@cwnd/cwnd";
 *
 * const fromOutside = (name: string): CongestionControl => name;
 * const known: CongestionControl = "cubic";
 * ```
 */
export type CongestionControl = BuiltInCongestionControl | (string & Record<never, never>);
