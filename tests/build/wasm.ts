/** As much of the WebAssembly binary format as the tests look at: the list of sections, and the globals. */

/** A section: its number in the format, its name when it is a custom one, and its contents. */
export interface Section {
  id: number;
  name?: string;
  bytes: Uint8Array;
}

const CUSTOM = 0;
const GLOBAL = 6;

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    return this.bytes[this.at++];
  }

  take(length: number): Uint8Array {
    return this.bytes.subarray(this.at, this.at += length);
  }

  /** LEB128; numbers here stay below 2^31, wider ones are only skipped. */
  number(): number {
    for (let value = 0, shift = 0;; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}

/** The sections of a module, in order. */
export function sections(wasm: Uint8Array): Section[] {
  const reader = new Reader(wasm);
  reader.take(8); // magic and version
  const found: Section[] = [];
  while (!reader.done) {
    const id = reader.byte();
    const content = new Reader(reader.take(reader.number()));
    const name = id === CUSTOM ? new TextDecoder().decode(content.take(content.number())) : undefined;
    found.push({ id, name, bytes: content.bytes.subarray(content.at) });
  }
  return found;
}

/** For each global that the module defines, whether it is mutable. */
export function globalsAreMutable(wasm: Uint8Array): boolean[] {
  const section = sections(wasm).find(({ id }) => id === GLOBAL);
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
