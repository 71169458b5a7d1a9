/** The engine as the host of a script. */
import { Host } from "../sockets/host.ts";
import type { ScriptHost } from "./host.ts";

/** A host of its own for each script; the compiled core is shared. */
export async function engineHost(addresses: string[]): Promise<ScriptHost> {
  return await Host.create({ addresses });
}
