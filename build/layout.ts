/**
 * Reads the memory layout out of the compiled program: every `@unmanaged` class and `const enum` declared in
 * `assembly/layout/`. The host gets it as `src/core/layout.gen.ts`; its hash goes into the wasm as well, so that an
 * engine can refuse a module that another layout was built for.
 *
 * This walks the compiler's own program: AssemblyScript has no public interface for it, so `deno.json` pins the version.
 */
import { createHash } from "node:crypto";

/** Where the structs and enums that cross the boundary are declared. */
export const LAYOUT_FOLDER = "assembly/layout/";

/** The custom section of the wasm that holds the hash of its layout, as 16 hex digits. */
export const LAYOUT_SECTION = "cwnd.layout";

/** One field of a struct: where it stands, and what it is. */
export interface Field {
  name: string;
  offset: number;
  type: string;
}

/** A struct, with its fields in the order of memory. */
export interface Struct {
  name: string;
  size: number;
  fields: Field[];
}

/** An enumeration, with its values in the order of declaration. */
export interface Enumeration {
  name: string;
  values: { name: string; value: number }[];
}

/** All that the host knows of the core's memory. */
export interface Layout {
  structs: Struct[];
  enums: Enumeration[];
}

// What is used of the compiler's internals (assemblyscript/src/program.ts), and no more.
interface Declared {
  name: string;
  internalName: string;
  kind: number;
  members: Map<string, Declared> | null;
}
interface ClassPrototype extends Declared {
  typeParameterNodes: unknown[] | null;
}
interface ClassInstance extends Declared {
  nextMemoryOffset: number;
}
interface PropertyPrototype extends Declared {
  isField: boolean;
  instance: { memoryOffset: number; type: { toString(): string } };
}
interface EnumValue extends Declared {
  constantIntegerValue: { toString(): string };
}
/** The compiler's program, as far as it is needed here. */
export interface Program {
  filesByName: Map<string, Pick<Declared, "members">>;
  resolver: { resolveClass(prototype: Declared, typeArguments: null): ClassInstance | null };
}
/** The numbers of the compiler's `ElementKind` that stand for what a layout may declare. */
export interface ElementKinds {
  Enum: number;
  ClassPrototype: number;
  PropertyPrototype: number;
  EnumValue: number;
}

/** Collects the layout of a compiled program, files and declarations in order of name. */
export function readLayout(program: Program, kinds: ElementKinds): Layout {
  const layout: Layout = { structs: [], enums: [] };
  for (const [path, file] of program.filesByName) {
    if (!path.startsWith(LAYOUT_FOLDER)) continue;
    for (const member of file.members?.values() ?? []) {
      if (member.kind === kinds.ClassPrototype) {
        layout.structs.push(readStruct(program, member as ClassPrototype, kinds));
      }
      if (member.kind === kinds.Enum) layout.enums.push(readEnum(member, kinds));
    }
  }
  layout.structs.sort(byName);
  layout.enums.sort(byName);
  refuseDuplicates([...layout.structs, ...layout.enums]);
  return layout;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function refuseDuplicates(declared: { name: string }[]): void {
  const seen = new Set<string>();
  for (const { name } of declared) {
    if (seen.has(name)) throw new Error(`${LAYOUT_FOLDER}: "${name}" is declared twice`);
    seen.add(name);
  }
}

function readStruct(program: Program, prototype: ClassPrototype, kinds: ElementKinds): Struct {
  const instance = program.resolver.resolveClass(prototype, null);
  if (!instance) throw new Error(`${prototype.internalName}: the compiler could not lay out this class`);
  const fields: Field[] = [];
  for (const member of instance.members?.values() ?? []) {
    if (member.kind !== kinds.PropertyPrototype || !(member as PropertyPrototype).isField) continue;
    // `size` is the struct's own in the generated object.
    if (member.name === "size") throw new Error(`${member.internalName}: a field cannot be called "size"`);
    const { memoryOffset, type } = (member as PropertyPrototype).instance;
    fields.push({ name: member.name, offset: memoryOffset, type: type.toString() });
  }
  fields.sort((a, b) => a.offset - b.offset);
  return { name: prototype.name, size: instance.nextMemoryOffset, fields };
}

function readEnum(declared: Declared, kinds: ElementKinds): Enumeration {
  const values = [...declared.members?.values() ?? []]
    .filter((member) => member.kind === kinds.EnumValue)
    .map((member) => ({ name: member.name, value: Number((member as EnumValue).constantIntegerValue.toString()) }));
  return { name: declared.name, values };
}

/** 16 hex digits that change whenever an offset, a type, a size or a value does. */
export function layoutHash(layout: Layout): string {
  return createHash("sha256").update(JSON.stringify(layout)).digest("hex").slice(0, 16);
}

/** The text of `src/core/layout.gen.ts`. */
export function emitLayout(layout: Layout): string {
  return [
    "// Generated by build/build.ts from assembly/layout/; do not edit.",
    ...layout.structs.map(emitStruct),
    ...layout.enums.map(emitEnum),
    `/** Hash of all of the above; the wasm carries it in its section "${LAYOUT_SECTION}". */\n` +
    `export const LAYOUT_HASH: string = "${layoutHash(layout)}";`,
  ].join("\n\n") + "\n";
}

function emitStruct({ name, size, fields }: Struct): string {
  const lines = fields.map((field) => `  ${field.name}: { offset: ${field.offset}, type: "${field.type}" },`);
  return `/** Layout of \`${name}\`. */\nexport const ${name} = {\n  size: ${size},\n${lines.join("\n")}\n} as const;`;
}

function emitEnum({ name, values }: Enumeration): string {
  const lines = values.map((value) => `  ${value.name}: ${value.value},`);
  const object = `/** Values of \`${name}\`. */\nexport const ${name} = {\n${lines.join("\n")}\n} as const;`;
  return `${object}\n${emitNames(name, values)}`;
}

/** Names by value, so that the host can show them: an array, or a map where the values are flag bits. */
function emitNames(name: string, all: Enumeration["values"]): string {
  const values = all.filter((value) => value.name !== "COUNT"); // How many there are, not one of them.
  const dense = values.every(({ value }, index) => value === index);
  const constant = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
  if (dense) {
    const names = values.map((value) => `"${value.name}"`).join(", ");
    return `/** Names of \`${name}\`, by value. */\nexport const ${constant}_NAMES: readonly string[] = [${names}];`;
  }
  const names = values.map((value) => `[${value.value}, "${value.name}"]`).join(", ");
  return `/** Names of \`${name}\`, by value. */\n` +
    `export const ${constant}_NAMES: ReadonlyMap<number, string> = new Map([${names}]);`;
}
