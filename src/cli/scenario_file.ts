/** Reads a scenario file: JSON with comments. A file that is not JSON is reported with line and column. */
import { readFileSync } from "node:fs";
import { parse, type ParseError, printParseErrorCode } from "jsonc-parser";
import { systemReason, UsageError } from "./errors.ts";

/** The value in a scenario file, not yet checked. `what` names the part of the command that asked for it. */
export function readScenarioFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file}: cannot be read: ${systemReason(error)}`);
  }
  const errors: ParseError[] = [];
  const value = parse(text.replace(/^\uFEFF/, " "), errors);
  if (errors.length > 0) throw new UsageError(`${file}:${describe(text, errors[0])}`);
  return value;
}

/** `line:column: found ..., expected ...` */
function describe(text: string, { error, offset, length }: ParseError): string {
  const code = printParseErrorCode(error);
  const before = text.slice(0, offset).split("\n");
  const position = `${before.length}:${before.at(-1)!.length + 1}`;
  const word = text.slice(offset, offset + Math.max(length, 1)).split("\n")[0].slice(0, 24);
  const quoted = word.startsWith('"') ? word : `"${word}"`;
  const found = offset >= text.trimEnd().length ? "the end of the file" : quoted;
  const problem = PROBLEMS[code];
  if (problem !== undefined) return `${position}: not JSON: ${problem}`;
  return `${position}: not JSON: found ${found}, expected ${EXPECTED[code] ?? "JSON"}`;
}

const EXPECTED: Record<string, string> = {
  InvalidSymbol: "a value, or text in double quotes",
  InvalidNumberFormat: "a number",
  PropertyNameExpected: "a field name in double quotes",
  ValueExpected: "a value",
  ColonExpected: '":" after the field name',
  CommaExpected: '","',
  CloseBraceExpected: '"," or "}"',
  CloseBracketExpected: '"," or "]"',
  EndOfFileExpected: "the end of the file",
};

const PROBLEMS: Record<string, string> = {
  UnexpectedEndOfComment: 'a comment is not closed, expected "*/"',
  UnexpectedEndOfString: "a string is not closed, expected '\"'",
  UnexpectedEndOfNumber: "a number is not finished, expected a digit",
  InvalidUnicode: "a string holds a wrong \\u escape, expected four hexadecimal digits",
  InvalidEscapeCharacter: "a string holds an unknown escape, expected one of JSON's",
  InvalidCharacter: "a string holds a control character, expected an escape such as \\n",
};
