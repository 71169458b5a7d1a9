/**
 * The text of a script, read from left to right. What a character means depends on where it stands (`.` is a flag, a
 * number or a don't-care), so there is no separate stream of tokens: the parser asks for what may come next.
 */
import { nearest } from "../scenario/words.ts";
import { ScriptError } from "./error.ts";

const BLANK = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const NUMBER = /0[xX][0-9a-fA-F]+|\d+/y;
const DECIMAL = /\d+(?:\.(?!\.)\d*)?|\.\d+/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const SNIPPET_LENGTH = 24;

/** A position in the text of a script. */
export class Scanner {
  /** Name of the file, for complaints. */
  readonly file: string;
  /** The whole text. */
  readonly text: string;
  /** Where reading goes on. */
  at = 0;
  #line = 1;
  #lineAt = 0;

  /** Stands at the first thing in `text`; lines count from `line`. */
  constructor(file: string, text: string, line = 1) {
    this.file = file;
    this.text = text;
    this.#line = line;
    this.skipBlank();
  }

  /** The line that reading has come to, from 1. */
  get line(): number {
    for (; this.#lineAt < this.at; this.#lineAt++) {
      if (this.text.charCodeAt(this.#lineAt) === 10) this.#line++;
    }
    return this.#line;
  }

  /** Whether nothing is left. */
  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** Passes over white space and comments. */
  skipBlank(): void {
    this.take(BLANK);
    if (this.text.startsWith("/*", this.at)) this.fail("this comment has no end");
  }

  /** Whether `text` comes next. */
  sees(text: string): boolean {
    return this.text.startsWith(text, this.at);
  }

  /** Passes over `text` and the blanks after it, if it comes next. */
  accept(text: string): boolean {
    if (!this.sees(text)) return false;
    this.at += text.length;
    this.skipBlank();
    return true;
  }

  /** Passes over `text`, which has to come next. */
  expect(text: string, where = ""): void {
    if (!this.accept(text)) this.fail(`expected "${text}"${where}, got ${this.snippet()}`);
  }

  /** What a sticky expression matches here, without the blanks after it. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.at += found[0].length;
    return found[0];
  }

  /** What a sticky expression matches here, and the blanks after it are passed over. */
  token(pattern: RegExp): string | undefined {
    const found = this.take(pattern);
    if (found !== undefined) this.skipBlank();
    return found;
  }

  /** A word, if one comes next. */
  word(): string | undefined {
    return this.token(WORD);
  }

  /** A word that may come next, without passing over it. */
  peekWord(): string | undefined {
    WORD.lastIndex = this.at;
    return WORD.exec(this.text)?.[0];
  }

  /** Passes over `name` if it comes next as a whole word. */
  acceptWord(name: string): boolean {
    if (this.peekWord() !== name) return false;
    this.at += name.length;
    this.skipBlank();
    return true;
  }

  /** An unsigned whole number, decimal or hexadecimal. */
  number(what: string): number {
    const found = this.token(NUMBER);
    if (found === undefined) this.fail(`expected ${what}, got ${this.snippet()}`);
    return Number(found);
  }

  /** Whether a number comes next. */
  seesNumber(): boolean {
    NUMBER.lastIndex = this.at;
    return NUMBER.test(this.text);
  }

  /** Seconds as whole microseconds: `1`, `0.25`, `.1`. */
  micros(what: string): number {
    // Blanks are left: "0.1...0.2" is written without, and what follows decides
    const found = this.take(DECIMAL);
    if (found === undefined) this.fail(`expected ${what}, got ${this.snippet()}`);
    return Math.round(Number(found) * 1e6);
  }

  /** What comes next, short, for a complaint. */
  snippet(): string {
    if (this.done) return "the end of the script";
    const line = this.text.slice(this.at).split("\n", 1)[0].trimEnd();
    const short = line.length <= SNIPPET_LENGTH ? line : `${line.slice(0, SNIPPET_LENGTH)}...`;
    return `"${short}"`;
  }

  /** Complains about the line that reading has come to. */
  fail(reason: string, line = this.line): never {
    throw new ScriptError(this.file, line, reason);
  }

  /** Complains about a name that is not known; the nearest known one is suggested. */
  unknown(what: string, name: string, known: readonly string[], line = this.line): never {
    const near = nearest(name, known);
    this.fail(`unknown ${what} "${name}"${near === undefined ? "" : `, did you mean "${near}"?`}`, line);
  }
}

/**
 * Puts values in place of the words that `-D NAME=value` defines, everywhere but in strings and comments. A value must
 * not span lines, so that lines keep their numbers.
 */
export function substitute(text: string, defines: ReadonlyMap<string, string>): string {
  if (defines.size === 0) return text;
  return text.replace(
    /"(?:\\.|[^"\\\n])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_][A-Za-z0-9_]*/g,
    (found) => defines.get(found) ?? found,
  );
}
