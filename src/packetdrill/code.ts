/** Evaluates the code blocks of a script, after its last event, each on the TCP_INFO of its own time. */
import type { Code, Statement } from "./syntax.ts";

/** A value of code; truth is 1 or 0. */
export type CodeValue = number | string;

/** What a statement came to that is worth saying. */
export type CodeNote =
  | { readonly kind: "failed"; readonly line: number; readonly expected: string; readonly got: string }
  | { readonly kind: "printed"; readonly line: number; readonly text: string };

/** Runs a block. Variables persist from block to block; TCP_INFO's fields hide variables of their name. */
export function runCode(
  statements: readonly Statement[],
  info: Readonly<Record<string, number>>,
  variables: Map<string, CodeValue>,
): CodeNote[] {
  const notes: CodeNote[] = [];
  const lookup = (name: string): CodeValue => {
    const value = Object.hasOwn(info, name) ? info[name] : variables.get(name);
    if (value === undefined) throw new Error(`TCP_INFO has no "${name}"`);
    return value;
  };
  for (const statement of statements) {
    if (statement.kind === "assign") variables.set(statement.name, evaluate(statement.value, lookup));
    else if (statement.kind === "print") {
      const text = statement.values.map((value) => evaluate(value, lookup)).join(" ");
      notes.push({ kind: "printed", line: statement.line, text });
    } else if (!truth(evaluate(statement.test, lookup))) {
      const got = namesIn(statement.test).map((name) => `${name} ${lookup(name)}`).join(", ");
      notes.push({ kind: "failed", line: statement.line, expected: statement.text, got: got || "false" });
    }
  }
  return notes;
}

type Lookup = (name: string) => CodeValue;

function evaluate(code: Code, lookup: Lookup): CodeValue {
  switch (code.kind) {
    case "value":
      return code.value;
    case "name":
      return lookup(code.name);
    case "unary":
      return unary(code.op, evaluate(code.of, lookup));
    case "binary":
      return binary(code.op, evaluate(code.left, lookup), () => evaluate(code.right, lookup));
    case "compare":
      return compareChain(code, lookup);
    case "apply":
      return apply(code.name, code.args.map((arg) => Number(evaluate(arg, lookup))));
  }
}

function unary(op: string, value: CodeValue): CodeValue {
  if (op === "not") return truth(value) ? 0 : 1;
  if (op === "~") return Number(~BigInt(value));
  return op === "-" ? -Number(value) : Number(value);
}

function binary(op: string, left: CodeValue, right: () => CodeValue): CodeValue {
  if (op === "and") return truth(left) ? right() : left;
  if (op === "or") return truth(left) ? left : right();
  const [a, b] = [Number(left), Number(right())];
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "//":
      return Math.floor(a / b);
    case "%":
      return a - Math.floor(a / b) * b;
    default:
      return bits(op, BigInt(a), BigInt(b));
  }
}

/** As Python does: on whole numbers of any size. */
function bits(op: string, a: bigint, b: bigint): number {
  if (op === "&") return Number(a & b);
  if (op === "|") return Number(a | b);
  if (op === "^") return Number(a ^ b);
  return Number(op === "<<" ? a << b : a >> b);
}

function compareChain(code: Code & { kind: "compare" }, lookup: Lookup): CodeValue {
  let left = evaluate(code.first, lookup);
  for (const { op, value } of code.rest) {
    const right = evaluate(value, lookup);
    if (!compare(op, left, right)) return 0;
    left = right;
  }
  return 1;
}

function compare(op: string, a: CodeValue, b: CodeValue): boolean {
  switch (op) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    default:
      return a >= b;
  }
}

function apply(name: string, args: number[]): number {
  switch (name) {
    case "abs":
      return Math.abs(args[0]);
    case "min":
      return Math.min(...args);
    case "max":
      return Math.max(...args);
    default:
      return Math.trunc(args[0]);
  }
}

function truth(value: CodeValue): boolean {
  return value !== 0 && value !== "";
}

/** The names that an expression reads, each once. */
function namesIn(code: Code): string[] {
  const parts: Code[] = code.kind === "unary"
    ? [code.of]
    : code.kind === "binary"
    ? [code.left, code.right]
    : code.kind === "compare"
    ? [code.first, ...code.rest.map(({ value }) => value)]
    : code.kind === "apply"
    ? [...code.args]
    : [];
  const own = code.kind === "name" ? [code.name] : [];
  return [...new Set([...own, ...parts.flatMap(namesIn)])];
}
