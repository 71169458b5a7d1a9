/** Control blocks as numbers by name, for tests that compare two ways to the same end. */
import type { Engine, Field } from "../../src/core/engine.ts";
import { Receiver, Sender, Tcb } from "../../src/core/layout.gen.ts";

/** Where a slab or an event lies, which says how memory was asked for. */
const ADDRESSES = ["sent", "tx", "rx", "ext", "timer_event", "rtx_ring", "push_ring", "reassembly", "owner", "route"];

function fields(
  engine: Engine,
  address: number,
  layout: Record<string, number | Field>,
  except: readonly string[],
): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [name, field] of Object.entries(layout)) {
    if (typeof field === "number" || ADDRESSES.includes(name) || except.includes(name)) continue;
    values[name] = engine.get(address, field);
  }
  return values;
}

/** A connection with what hangs from it, but for addresses and the fields of `except`. */
export function controlBlock(engine: Engine, tcb: number, except: readonly string[] = []): Record<string, number> {
  const [tx, rx] = [engine.get(tcb, Tcb.tx), engine.get(tcb, Tcb.rx)];
  return {
    ...(tx ? fields(engine, tx, Sender, except) : {}),
    ...(rx ? fields(engine, rx, Receiver, except) : {}),
    ...fields(engine, tcb, Tcb, except),
  };
}
