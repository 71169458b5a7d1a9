/** As much of the WebAssembly binary format as the build and its tests look at: sections, functions, branches. */

/** A section: its number in the format, its name when it is a custom one, and its contents. */
export interface Section {
  id: number;
  name?: string;
  bytes: Uint8Array;
}

/** A function of a module that imports none, by offsets into the module. */
export interface FunctionBody {
  /** Parameters, and what follows them: index of the first local that could be added. */
  locals: number;
  /** Where the body begins: with its groups of locals. */
  begin: number;
  /** How many groups there are, where the first begins, and where the code does. */
  groups: number;
  groupsBegin: number;
  code: number;
  end: number;
  /** Each `if` and `br_if`, in order. */
  branches: number[];
}

/** Numbers of sections. */
export const SectionId = { CUSTOM: 0, TYPE: 1, FUNCTION: 3, GLOBAL: 6, CODE: 10 } as const;

const HEADER_BYTES = 8; // Magic and version

/** Reads a module from `at` on. */
export class Reader {
  constructor(readonly bytes: Uint8Array, public at: number = 0) {}

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

/** LEB128 of a number that is not negative. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value >>>= 7) bytes.push(value & 0x7f | 0x80);
  return [...bytes, value];
}

/** A section as it stands in a module. */
export function sectionBytes({ id, name, bytes }: Section): Uint8Array {
  const label = name === undefined ? [] : [...new TextEncoder().encode(name)];
  const head = name === undefined ? [] : [...unsigned(label.length), ...label];
  return Uint8Array.from([id, ...unsigned(head.length + bytes.length), ...head, ...bytes]);
}

/** A module of these sections. */
export function assemble(list: readonly Section[]): Uint8Array<ArrayBuffer> {
  const parts = [Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), ...list.map(sectionBytes)];
  const module = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    module.set(part, at);
    at += part.length;
  }
  return module;
}

/** The sections of a module, in order. */
export function sections(wasm: Uint8Array): Section[] {
  const reader = new Reader(wasm, HEADER_BYTES);
  const found: Section[] = [];
  while (!reader.done) {
    const id = reader.byte();
    const content = new Reader(reader.take(reader.number()));
    const name = id === SectionId.CUSTOM ? new TextDecoder().decode(content.take(content.number())) : undefined;
    found.push({ id, name, bytes: content.bytes.subarray(content.at) });
  }
  return found;
}

/** The functions of a module that imports none, by offsets into its code section's contents. */
export function functions(list: readonly Section[]): FunctionBody[] {
  const contents = (id: number): Reader =>
    new Reader(list.find((section) => section.id === id)?.bytes ?? Uint8Array.of(0));
  const types = contents(SectionId.TYPE);
  const parameters = Array.from({ length: types.number() }, () => {
    types.byte(); // func
    const count = types.number();
    types.take(count);
    types.take(types.number()); // results
    return count;
  });
  const declared = contents(SectionId.FUNCTION);
  const signatures = Array.from({ length: declared.number() }, () => parameters[declared.number()]);
  const code = contents(SectionId.CODE);
  code.number();
  return signatures.map((locals) => {
    const size = code.number();
    const begin = code.at;
    const groups = code.number();
    const groupsBegin = code.at;
    for (let k = 0; k < groups; k++) {
      locals += code.number();
      code.byte(); // type
    }
    const end = begin + size;
    const body = { locals, begin, groups, groupsBegin, code: code.at, end, branches: branches(code, end) };
    code.at = end;
    return body;
  });
}

const IF = 0x04;
const BR_IF = 0x0d;
const BR_TABLE = 0x0e;
const PREFIX = 0xfc;

/** How many LEB128 numbers follow an instruction, and how many plain bytes. */
type Operands = readonly [numbers: number, bytes: number];

function ops(opcodes: number[], operands: Operands): [number, Operands][] {
  return opcodes.map((opcode) => [opcode, operands]);
}

/** The operands of each instruction that has any. */
const OPERANDS: ReadonlyMap<number, Operands> = new Map<number, Operands>([
  ...ops([0x02, 0x03, IF, 0x0c, BR_IF, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x41, 0x42], [1, 0]),
  ...ops(Array.from({ length: 0x3f - 0x28 }, (_, k) => 0x28 + k), [2, 0]), // loads and stores
  [0x11, [2, 0]], // call_indirect
  [0x3f, [0, 1]], // memory.size
  [0x40, [0, 1]], // memory.grow
  [0x43, [0, 4]], // f32.const
  [0x44, [0, 8]], // f64.const
]);
/** The same behind the prefix: saturating conversions have none. */
const PREFIXED_OPERANDS: ReadonlyMap<number, Operands> = new Map<number, Operands>([
  [8, [1, 1]], // memory.init
  [9, [1, 0]], // data.drop
  [10, [0, 2]], // memory.copy
  [11, [0, 1]], // memory.fill
]);
const LAST_PLAIN = 0xc4;

/** Offsets of the conditional branches in the code up to `end`. */
function branches(reader: Reader, end: number): number[] {
  const found: number[] = [];
  while (reader.at < end) {
    const at = reader.at;
    const operation = reader.byte();
    if (operation === IF || operation === BR_IF) found.push(at);
    if (operation === BR_TABLE) {
      for (let left = reader.number(); left >= 0; left--) reader.number();
      continue;
    }
    if (operation > LAST_PLAIN && operation !== PREFIX) {
      throw new Error(`unknown instruction 0x${operation.toString(16)} at ${at}`);
    }
    const [numbers, bytes] =
      (operation === PREFIX ? PREFIXED_OPERANDS.get(reader.number()) : OPERANDS.get(operation)) ?? [0, 0];
    for (let k = 0; k < numbers; k++) reader.number();
    reader.take(bytes);
  }
  return found;
}
