import { Trap } from "./layout/trap";

const TRAP: usize = memory.data(16, 8);

/** Address of the `Trap` record. */
export function trapRecord(): usize {
  return TRAP;
}

/** Takes the place of AssemblyScript's imported abort, so that the import section stays empty. */
export function abort(message: usize, file: usize, line: u32, column: u32): void {
  const trap = changetype<Trap>(TRAP);
  trap.message = <u32>message;
  trap.file = <u32>file;
  trap.line = line;
  trap.column = column;
  unreachable();
}
