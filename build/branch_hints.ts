/**
 * Branch hints: the custom section "metadata.code.branch_hint" of WebAssembly's branch hinting proposal, which tells an
 * engine the branches that are hardly ever taken, so that the code behind them stands out of the way. V8 heeds it from
 * version 13 on, others ignore it. What is rare is counted: `instrument` makes a module that counts, `addHints` takes the
 * counts.
 */
import { assemble, type FunctionBody, functions, type Section, SectionId, sections, unsigned } from "./wasm.ts";

/** A branch that goes one way less often than this is hinted at. */
const RARE = 0.01;
/** One that was met less often than this tells nothing. */
const MET_MIN = 1000;
const SECTION = "metadata.code.branch_hint";
const I32 = 0x7f;

/** The number of conditional branches in the module. */
export function branchCount(wasm: Uint8Array): number {
  return functions(sections(wasm)).reduce((sum, { branches }) => sum + branches.length, 0);
}

/**
 * The module, counting at `address` of its memory: two u32 for each branch in order, how often its condition held and
 * how often it did not.
 */
export function instrument(wasm: Uint8Array, address: number): Uint8Array<ArrayBuffer> {
  const list = sections(wasm);
  let counter = address;
  const bodies = functions(list).map((body) => {
    const counted = countIn(codeOf(list).bytes, body, counter);
    counter += 8 * body.branches.length;
    return counted;
  });
  const bytes = Uint8Array.from([
    ...unsigned(bodies.length),
    ...bodies.flatMap((body) => [...unsigned(body.length), ...body]),
  ]);
  return assemble(list.map((section) => section.id === SectionId.CODE ? { ...section, bytes } : section));
}

/** A function's body with a counter before each branch. */
function countIn(code: Uint8Array, body: FunctionBody, counter: number): number[] {
  const condition = unsigned(body.locals);
  const place = unsigned(body.locals + 1);
  const out = [...unsigned(body.groups + 1), ...code.subarray(body.groupsBegin, body.code), 2, I32];
  let from = body.code;
  for (const at of body.branches) {
    for (const byte of code.subarray(from, at)) out.push(byte);
    from = at;
    // place = counter + 4 * (condition == 0); memory[place] += 1; and the condition is there again
    out.push(0x22, ...condition, 0x45, 0x41, 2, 0x74, 0x41, ...signed(counter), 0x6a, 0x22, ...place);
    out.push(0x20, ...place, 0x28, 2, 0, 0x41, 1, 0x6a, 0x36, 2, 0, 0x20, ...condition);
    counter += 8;
  }
  for (const byte of code.subarray(from, body.end)) out.push(byte);
  return out;
}

/** LEB128 of a number that is not negative, where a sign is expected. */
function signed(value: number): number[] {
  const bytes = unsigned(value);
  const last = bytes[bytes.length - 1];
  return last & 0x40 ? [...bytes.slice(0, -1), last | 0x80, 0] : bytes;
}

/** The module with hints for the branches that `counts`, as `instrument` lays them out, show to be one-sided. */
export function addHints(wasm: Uint8Array, counts: Uint32Array): Uint8Array<ArrayBuffer> {
  const list = sections(wasm);
  const hints: number[] = [];
  let hinted = 0;
  let k = 0;
  functions(list).forEach(({ begin, branches }, index) => {
    const found: number[] = [];
    let count = 0;
    for (const at of branches) {
      const [held, not] = [counts[2 * k], counts[2 * k + 1]];
      k++;
      const rare = RARE * (held + not);
      if (held + not < MET_MIN || (held >= rare && not >= rare)) continue;
      found.push(...unsigned(at - begin), 1, held > not ? 1 : 0);
      count++;
    }
    if (count === 0) return;
    hints.push(...unsigned(index), ...unsigned(count), ...found);
    hinted++;
  });
  const section: Section = {
    id: SectionId.CUSTOM,
    name: SECTION,
    bytes: Uint8Array.from([...unsigned(hinted), ...hints]),
  };
  return assemble(list.flatMap((other) => other.id === SectionId.CODE ? [section, other] : [other]));
}

function codeOf(list: readonly Section[]): Section {
  const code = list.find(({ id }) => id === SectionId.CODE);
  if (!code) throw new Error("a module without code");
  return code;
}
