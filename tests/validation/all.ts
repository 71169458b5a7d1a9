/** Every validation, in the order of its table. */
import { aimd } from "./aimd.ts";
import { cubicWindows } from "./cubic_replay.ts";
import { queueing } from "./queueing.ts";
import { mathis, responseFunctions } from "./response.ts";
import type { Row } from "./row.ts";
import { sharing } from "./sharing.ts";
import { slowStart } from "./slow_start.ts";

/** A validation makes rows; its name says what is shown. */
export interface Validation {
  name: string;
  run: () => Promise<Row[]>;
}

export const VALIDATIONS: Validation[] = [
  { name: "V3: slow start takes the rounds of RFC 5681 and RFC 6928", run: slowStart },
  { name: "V5: CUBIC's windows follow RFC 9438 to the bit", run: cubicWindows },
  { name: "V10: mean windows follow RFC 9438's response functions", run: responseFunctions },
  { name: "V11: Reno's rate follows Mathis' formula", run: mathis },
  { name: "V12: one Reno flow uses of a link what its buffer allows", run: aimd },
  { name: "V16: a link fed by a Poisson process waits like M/D/1 and M/M/1", run: queueing },
  { name: "V19: Reno shares by round-trip time, and equally among equals", run: sharing },
];
