/** Where a broken invariant was found: the host reads it after the trap. */
@unmanaged
export class Trap {
  /** Addresses of UTF-16 strings, AssemblyScript's, their byte length in the word before them; 0 when there is none. */
  message: u32;
  file: u32;
  line: u32;
  column: u32;
}
