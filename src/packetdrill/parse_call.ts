/** System calls of a script: `accept(3, ..., ...) = 4`, `read(4, ..., 1000) = -1 EAGAIN (Resource ...)`. */
import { CALL_NAMES } from "./call_names.ts";
import type { Scanner } from "./scanner.ts";
import { symbol, SYMBOL_NAMES } from "./symbols.ts";
import type { Expression, Relation, StructField, SystemCall } from "./syntax.ts";

const STRING = /"(?:\\[\s\S]|[^"\\\n])*"/y;
const CAST = /\(\s*(?:unsigned\s+|signed\s+|const\s+|struct\s+)*[a-z_][a-z0-9_]*(?:\s*\*+)?\s*\)(?=\s*[\w("\-~])/y;
const ERRNO = /^E[A-Z0-9]+$/;
const RELATIONS: readonly Relation[] = ["!=", ">=", "<=", "=", ">", "<"];

/** Bytes of the types that `sizeof` may name. */
const SIZES: Record<string, number> = {
  char: 1,
  short: 2,
  int: 4,
  unsigned: 4,
  "unsigned int": 4,
  long: 8,
  socklen_t: 4,
  size_t: 8,
  uint8_t: 1,
  uint16_t: 2,
  uint32_t: 4,
  uint64_t: 8,
  "struct linger": 8,
  "struct sockaddr_in": 16,
  "struct sockaddr_in6": 28,
};

/** Functions that an expression may apply. */
const FUNCTIONS = ["htons", "htonl", "ntohs", "ntohl", "inet_addr", "inet_pton"];

/** Reads a call behind its time. */
export function parseCall(scanner: Scanner): SystemCall {
  const [line, from] = [scanner.line, scanner.at];
  const name = scanner.word();
  if (name === undefined) scanner.fail(`expected a packet, system call, command or code, got ${scanner.snippet()}`);
  if (!CALL_NAMES.includes(name)) scanner.unknown("system call", name, CALL_NAMES, line);
  scanner.expect("(", ` after "${name}"`);
  const args = parseList(scanner, ")");
  const text = scanner.text.slice(from, scanner.at).trim().replace(/\s+/g, " ");
  const relation = RELATIONS.find((candidate) => scanner.accept(candidate));
  if (relation === undefined) scanner.fail(`expected "=" and a result, got ${scanner.snippet()}`);
  const result = parseExpression(scanner);
  const errno = parseErrno(scanner, result);
  if (scanner.sees("(")) skipNote(scanner);
  return { name, args, relation, result, errno, text };
}

/** The name of an error behind `-1`. */
function parseErrno(scanner: Scanner, result: Expression): string | undefined {
  const name = scanner.peekWord();
  if (name === undefined || !ERRNO.test(name)) return undefined;
  if (result.kind !== "number" || result.value !== -1) {
    scanner.fail(`an error such as ${name} comes with the result -1 only`);
  }
  if (symbol(name) === undefined) scanner.unknown("error", name, SYMBOL_NAMES.filter((known) => ERRNO.test(known)));
  return scanner.word();
}

/** `(Resource temporarily unavailable)`: for people. */
function skipNote(scanner: Scanner): void {
  if (scanner.token(/\([^()]*(?:\([^()]*\)[^()]*)*\)/y) === undefined) {
    scanner.fail('expected the closing ")" of a note');
  }
}

function parseList(scanner: Scanner, close: string): Expression[] {
  const items: Expression[] = [];
  while (!scanner.accept(close)) {
    if (items.length > 0) scanner.expect(",", ` or "${close}"`);
    items.push(parseExpression(scanner));
  }
  return items;
}

/** An expression: alternatives of bits, else a single value. */
function parseExpression(scanner: Scanner): Expression {
  const line = scanner.line;
  let left = parseValue(scanner);
  while (scanner.accept("|")) {
    const right = parseValue(scanner);
    if (left.kind !== "number" || right.kind !== "number") scanner.fail('expected numbers on both sides of "|"', line);
    // Through BigInt: bit 31 must not make the number negative
    const value = Number(BigInt(left.value) | BigInt(right.value));
    left = { kind: "number", value, text: `${left.text}|${right.text}` };
  }
  return left;
}

function parseValue(scanner: Scanner): Expression {
  if (scanner.accept("...")) return { kind: "any" };
  if (scanner.sees('"')) return parseString(scanner);
  if (scanner.accept("[")) return { kind: "list", items: parseList(scanner, "]") };
  if (scanner.accept("{")) return { kind: "struct", fields: parseFields(scanner) };
  if (scanner.sees("(") && scanner.token(CAST) !== undefined) return parseValue(scanner);
  if (scanner.accept("(")) {
    const inner = parseExpression(scanner);
    scanner.expect(")");
    return inner;
  }
  // The address of a value is that value's place in a call, which is what is written down here
  if (scanner.accept("&")) return parseValue(scanner);
  const sign = scanner.accept("-") ? "-" : scanner.accept("~") ? "~" : "";
  if (sign !== "") return negate(scanner, sign);
  if (scanner.seesNumber()) return parseNumber(scanner);
  return parseName(scanner);
}

function negate(scanner: Scanner, sign: string): Expression {
  const line = scanner.line;
  const value = parseValue(scanner);
  if (value.kind !== "number") scanner.fail(`expected a number after "${sign}"`, line);
  return { kind: "number", value: sign === "-" ? -value.value : ~value.value, text: sign + value.text };
}

function parseNumber(scanner: Scanner): Expression {
  const from = scanner.at;
  const value = scanner.number("a number");
  return { kind: "number", value, text: scanner.text.slice(from, scanner.at).trim().split(/\s/, 1)[0] };
}

/** Adjacent literals join; `...` behind leaves the rest open. */
function parseString(scanner: Scanner): Expression {
  let value = "";
  for (;;) {
    const found = scanner.token(STRING);
    if (found !== undefined) value += unescape(found.slice(1, -1));
    else if (scanner.sees('"')) scanner.fail("this string has no end");
    else return { kind: "string", value };
  }
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r", "0": "\0" };

function unescape(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{1,2}|[\s\S])/g, (_, code: string) => {
    if (code.startsWith("x") && code.length > 1) return String.fromCharCode(parseInt(code.slice(1), 16));
    return ESCAPES[code] ?? code;
  });
}

function parseName(scanner: Scanner): Expression {
  const line = scanner.line;
  const name = scanner.word();
  if (name === undefined) scanner.fail(`expected a value, got ${scanner.snippet()}`);
  if (name === "sizeof") return parseSizeof(scanner, line);
  if (scanner.accept("(")) {
    if (!FUNCTIONS.includes(name)) scanner.unknown("function", name, FUNCTIONS, line);
    return { kind: "apply", name, args: parseList(scanner, ")") };
  }
  const value = symbol(name);
  if (value === undefined) scanner.unknown("symbol", name, SYMBOL_NAMES, line);
  return { kind: "number", value, text: name };
}

function parseSizeof(scanner: Scanner, line: number): Expression {
  scanner.expect("(", ' after "sizeof"');
  const type = (scanner.token(/[A-Za-z_][A-Za-z0-9_ ]*/y) ?? "").trim();
  scanner.expect(")");
  if (!Object.hasOwn(SIZES, type)) scanner.unknown("type", type, Object.keys(SIZES), line);
  return { kind: "number", value: SIZES[type], text: `sizeof(${type})` };
}

/** `{fd=4, events=POLLIN}`, `{msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}`, `{..., 10}`. */
function parseFields(scanner: Scanner): StructField[] {
  const fields: StructField[] = [];
  while (!scanner.accept("}")) {
    if (fields.length > 0) scanner.expect(",", ' or "}"');
    fields.push(parseField(scanner));
  }
  return fields;
}

const FIELD_NAME = /[A-Za-z_][A-Za-z0-9_.]*(?=\s*(?:=(?!=)|\((?:\s*\.\.\.\s*|\s*\d+\s*)\)\s*=))/y;

function parseField(scanner: Scanner): StructField {
  const name = scanner.token(FIELD_NAME);
  if (name === undefined) return { value: parseExpression(scanner) };
  let count: Expression | undefined;
  if (scanner.accept("(")) {
    count = parseExpression(scanner);
    scanner.expect(")");
  }
  scanner.expect("=");
  return { name, count, value: parseExpression(scanner) };
}
