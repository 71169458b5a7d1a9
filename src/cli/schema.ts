/** `cwnd schema`: the JSON Schema of scenario files, for editors. */
import { scenarioSchema } from "../scenario/json_schema.ts";
import { DONE } from "./errors.ts";
import { print } from "./terminal.ts";

/** Runs the verb and returns the exit status. */
export async function schema(): Promise<number> {
  await print([JSON.stringify(scenarioSchema(), null, 2) + "\n"]);
  return DONE;
}
