/** What the tests look at of a module's globals. */
import { Reader, SectionId, sections } from "../../build/wasm.ts";

/** For each global that the module defines, whether it is mutable. */
export function globalsAreMutable(wasm: Uint8Array): boolean[] {
  const section = sections(wasm).find(({ id }) => id === SectionId.GLOBAL);
  if (!section) return [];
  const reader = new Reader(section.bytes);
  return Array.from({ length: reader.number() }, () => {
    reader.byte(); // value type
    const mutable = reader.byte() === 1;
    skipConstant(reader);
    return mutable;
  });
}

/** Skips an initializer: one constant instruction, then `end`. */
function skipConstant(reader: Reader): void {
  const operation = reader.byte();
  const operandBytes = { 0x43: 4, 0x44: 8 }[operation]; // f32.const, f64.const
  if (operandBytes) reader.take(operandBytes);
  else if (operation === 0x41 || operation === 0x42 || operation === 0x23) reader.number(); // i32.const, i64.const, global.get
  else throw new Error(`unexpected instruction 0x${operation.toString(16)} in a global's initializer`);
  if (reader.byte() !== 0x0b) throw new Error("a global's initializer has more than one instruction");
}
