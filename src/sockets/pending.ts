/** Calls that block: what they return meanwhile. */

/** A call that waits. It is asked again after the host has run or taken a packet. */
export interface Pending<T> {
  /** The call's result, or again that it waits. */
  retry(): T | Pending<T>;
  /** When it returns at the latest, if it has a time-out; nanoseconds on the host's clock. */
  readonly deadlineNs?: bigint;
}

/** Whether a call still waits. */
export function isPending<T>(answer: T | Pending<T>): answer is Pending<T> {
  return typeof answer === "object" && answer !== null && "retry" in answer;
}

/** Asks `attempt` until it has an answer, which it signals by anything but `undefined`. */
export function untilAnswered<T>(attempt: () => T | undefined, deadlineNs?: bigint): T | Pending<T> {
  const answer = attempt();
  if (answer !== undefined) return answer;
  return { retry: () => untilAnswered(attempt, deadlineNs), ...deadlineNs === undefined ? {} : { deadlineNs } };
}
