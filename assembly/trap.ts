/** Where a broken invariant was found: the host reads it after the trap. */
@unmanaged
export class Trap {
  /** UTF-16 message and file name, with AssemblyScript's string header in front; 0 when none. */
  message: usize;
  file: usize;
  line: u32;
  column: u32;
}

const TRAP: usize = memory.data(16, 8);

/** Address of the `Trap` record. */
export function trapRecord(): usize {
  return TRAP;
}

/** Takes the place of AssemblyScript's imported abort, so that the import section stays empty. */
export function abort(message: usize, file: usize, line: u32, column: u32): void {
  const trap = changetype<Trap>(TRAP);
  trap.message = message;
  trap.file = file;
  trap.line = line;
  trap.column = column;
  unreachable();
}
