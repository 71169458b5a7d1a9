/**
 * The shell texts of a script, split into simple commands: words, quotes, comments, `&&`, `||`, `;` and redirections.
 * Nothing is ever handed to a shell. Variables, pipes and control structures are refused.
 */
import { ScriptError } from "./error.ts";
import type { ShellCommand } from "./syntax.ts";

const CONTROL = [
  "if",
  "then",
  "else",
  "fi",
  "for",
  "while",
  "until",
  "do",
  "done",
  "case",
  "esac",
  "function",
  "{",
  "}",
  "!",
];
/** Where output may go without being missed. */
const NOWHERE = /^(?:\/dev\/(?:null|stdout|stderr|tty|zero)|\/tmp\/.+)$/;

/** Reads a shell text that begins on `line` of the script. */
export function splitCommands(file: string, text: string, line: number): ShellCommand[] {
  const reader = new ShellReader(file, text, line);
  return reader.commands();
}

class ShellReader {
  readonly #file: string;
  readonly #text: string;
  #at = 0;
  #line: number;
  readonly #commands: ShellCommand[] = [];
  #words: string[] = [];
  #to: string[] = [];
  #wordLine: number;

  constructor(file: string, text: string, line: number) {
    this.#file = file;
    // A line goes on behind a backslash; the ends of lines stay countable by a form feed in their place
    this.#text = text.replaceAll("\\\n", "\f");
    this.#line = line;
    this.#wordLine = line;
  }

  commands(): ShellCommand[] {
    while (this.#at < this.#text.length) this.#step();
    this.#end();
    return this.#commands;
  }

  #step(): void {
    const rest = this.#text.slice(this.#at);
    const blank = /^[ \t\r\f]+/.exec(rest);
    if (blank !== null) return this.#pass(blank[0]);
    const comment = /^#[^\n\f]*/.exec(rest);
    if (comment !== null) return this.#pass(comment[0]);
    const separator = /^(?:\n|;|&&|\|\||\|&?|&(?!>)|[()])/.exec(rest);
    if (separator !== null) return this.#separate(separator[0]);
    const redirection = /^(?:\d?>&\d|[12]?>>?|&>>?|\d?<)/.exec(rest);
    if (redirection !== null) return this.#redirect(redirection[0]);
    if (this.#words.length === 0) this.#wordLine = this.#line;
    this.#words.push(this.#word());
  }

  #separate(text: string): void {
    if (text === "|" || text === "|&" || text === "&" || text === "(" || text === ")") {
      this.#fail(`unsupported "${text}" in a shell command`);
    }
    // What stands behind "||" runs if a command fails, and the known ones do not
    if (text === "||") {
      this.#end();
      const skipped = /^\|\|[^\n;&]*/.exec(this.#text.slice(this.#at))![0];
      return this.#pass(skipped);
    }
    this.#end();
    this.#pass(text);
  }

  #redirect(text: string): void {
    this.#pass(text);
    if (/>&\d$/.test(text)) return;
    if (text.endsWith("<")) this.#fail('unsupported "<" in a shell command');
    this.#pass(/^[ \t\f]*/.exec(this.#text.slice(this.#at))![0]);
    const target = this.#word();
    if (target === "") this.#fail(`expected a file after "${text}"`);
    if (!NOWHERE.test(target)) this.#to.push(target);
  }

  /** A word with its quotes taken off. */
  #word(): string {
    let word = "";
    for (;;) {
      const rest = this.#text.slice(this.#at);
      const plain = /^[^\s"'\\$`;&|<>()]+/.exec(rest)?.[0];
      if (plain !== undefined) {
        word += plain;
        this.#pass(plain);
        continue;
      }
      if (rest.startsWith("$") || rest.startsWith("`")) this.#fail("unsupported variable in a shell command");
      const quoted = /^(?:"((?:\\[\s\S]|[^"\\$`])*)"|'([^']*)'|\\([\s\S]))/.exec(rest);
      if (quoted === null) {
        if (/^["']/.test(rest)) this.#fail("unsupported quoted text in a shell command");
        return word;
      }
      word += quoted[1]?.replace(/\\(["\\])/g, "$1") ?? quoted[2] ?? quoted[3];
      this.#pass(quoted[0]);
    }
  }

  #end(): void {
    const [first] = this.#words;
    if (first !== undefined) {
      if (CONTROL.includes(first)) this.#fail(`unsupported shell command "${first}"`);
      this.#commands.push({ line: this.#wordLine, words: this.#words, to: this.#to });
    } else if (this.#to.length > 0) this.#fail(`unsupported redirection to ${this.#to[0]} without a command`);
    this.#words = [];
    this.#to = [];
  }

  #pass(text: string): void {
    this.#at += text.length;
    for (const letter of text) if (letter === "\n" || letter === "\f") this.#line++;
  }

  #fail(reason: string): never {
    throw new ScriptError(this.#file, this.#line, reason);
  }
}
