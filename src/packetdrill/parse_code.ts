/**
 * Code blocks, `%{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%`: assignments, assertions and printing in the notation
 * of Python. No statement of another kind is understood; a block that holds one is refused.
 */
import { nearest } from "../scenario/words.ts";
import { ScriptError } from "./error.ts";
import type { Code, Statement } from "./syntax.ts";
import { codeSymbol, TCP_INFO_FIELDS } from "./symbols.ts";

interface Token {
  readonly kind: "number" | "string" | "name" | "op" | "end";
  readonly text: string;
  readonly line: number;
  readonly at: number;
}

const TOKEN =
  /[^\S\n]+|\\\n|#[^\n]*|(?<number>0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?<name>[A-Za-z_]\w*)|(?<op>\/\/|<<|>>|==|!=|<=|>=|[-+*\/%&|^~<>=(),;\n])/y;

/** Functions that code may call. */
const FUNCTIONS = ["abs", "min", "max", "int"];
const KEYWORDS = ["assert", "print", "and", "or", "not"];

/** Binary operators from the loosest to the tightest; comparisons chain and stand between `not` and `|`. */
const TIERS: readonly (readonly string[])[] = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "//", "%"]];
const COMPARISONS = ["==", "!=", "<=", ">=", "<", ">"];

/** Reads the code blocks of one script in turn: a name assigned in one block is known in those behind it. */
export function codeParser(file: string): (text: string, line: number) => Statement[] {
  const assigned = new Set<string>();
  return (text, line) => new CodeReader(file, text, line, assigned).statements();
}

class CodeReader {
  readonly #file: string;
  readonly #text: string;
  readonly #tokens: Token[];
  readonly #assigned: Set<string>;
  #next = 0;

  constructor(file: string, text: string, line: number, assigned: Set<string>) {
    this.#file = file;
    this.#text = text;
    this.#assigned = assigned;
    this.#tokens = tokensOf(file, text, line);
  }

  statements(): Statement[] {
    const statements: Statement[] = [];
    for (;;) {
      while (this.#accept(";") || this.#accept("\n"));
      if (this.#peek().kind === "end") return statements;
      statements.push(this.#statement());
      const behind = this.#peek();
      if (behind.kind !== "end" && behind.text !== ";" && behind.text !== "\n") {
        this.#fail(`expected the end of the statement, got "${behind.text}"`);
      }
    }
  }

  #statement(): Statement {
    const { line, text: name, kind } = this.#peek();
    if (kind !== "name") this.#fail(`expected a statement, got "${name}"`);
    this.#next++;
    if (name === "assert") {
      const from = this.#peek().at;
      const test = this.#expression();
      const text = this.#text.slice(from, this.#peek().at).trim().replace(/\s+/g, " ");
      // What stands behind the comma is what Python would show of a failure; here values are always shown
      if (this.#accept(",")) this.#expression();
      return { kind: "assert", line, text, test };
    }
    if (name === "print") return { kind: "print", line, values: this.#printed() };
    if (!this.#accept("=")) this.#fail(`unsupported statement "${name}", expected assert, print or NAME = value`, line);
    const value = this.#expression();
    this.#assigned.add(name);
    return { kind: "assign", line, name, value };
  }

  #printed(): Code[] {
    const values: Code[] = [];
    // Python 3's parentheses are part of the statement
    const close = this.#accept("(");
    if (close ? this.#accept(")") : this.#atEnd()) return values;
    do values.push(this.#expression()); while (this.#accept(","));
    if (close) this.#expect(")");
    return values;
  }

  #atEnd(): boolean {
    const { kind, text } = this.#peek();
    return kind === "end" || text === ";" || text === "\n";
  }

  #expression(): Code {
    let left = this.#conjunction();
    while (this.#accept("or")) left = { kind: "binary", op: "or", left, right: this.#conjunction() };
    return left;
  }

  #conjunction(): Code {
    let left = this.#negation();
    while (this.#accept("and")) left = { kind: "binary", op: "and", left, right: this.#negation() };
    return left;
  }

  #negation(): Code {
    if (this.#accept("not")) return { kind: "unary", op: "not", of: this.#negation() };
    const first = this.#tier(0);
    const rest: { op: string; value: Code }[] = [];
    for (let op = this.#acceptOf(COMPARISONS); op !== undefined; op = this.#acceptOf(COMPARISONS)) {
      rest.push({ op, value: this.#tier(0) });
    }
    return rest.length === 0 ? first : { kind: "compare", first, rest };
  }

  #tier(tier: number): Code {
    if (tier === TIERS.length) return this.#unary();
    let left = this.#tier(tier + 1);
    for (let op = this.#acceptOf(TIERS[tier]); op !== undefined; op = this.#acceptOf(TIERS[tier])) {
      left = { kind: "binary", op, left, right: this.#tier(tier + 1) };
    }
    return left;
  }

  #unary(): Code {
    const op = this.#acceptOf(["-", "+", "~"]);
    return op === undefined ? this.#primary() : { kind: "unary", op, of: this.#unary() };
  }

  #primary(): Code {
    const token = this.#peek();
    if (token.kind === "number") {
      this.#next++;
      return { kind: "value", value: Number(token.text) };
    }
    if (token.kind === "string") {
      this.#next++;
      return { kind: "value", value: token.text.slice(1, -1) };
    }
    if (this.#accept("(")) {
      const inner = this.#expression();
      while (this.#accept(",")) this.#expression();
      this.#expect(")");
      return inner;
    }
    if (token.kind !== "name" || KEYWORDS.includes(token.text)) this.#fail(`expected a value, got ${shown(token)}`);
    this.#next++;
    return this.#accept("(") ? this.#application(token) : this.#name(token);
  }

  #application(token: Token): Code {
    if (!FUNCTIONS.includes(token.text)) this.#unknown("function", token, FUNCTIONS);
    const args: Code[] = [];
    while (!this.#accept(")")) {
      if (args.length > 0) this.#expect(",");
      args.push(this.#expression());
    }
    return { kind: "apply", name: token.text, args };
  }

  #name(token: Token): Code {
    const name = token.text;
    if (this.#assigned.has(name) || TCP_INFO_FIELDS.includes(name)) return { kind: "name", name };
    if (name === "True" || name === "False") return { kind: "value", value: name === "True" ? 1 : 0 };
    const value = codeSymbol(name);
    if (value !== undefined) return { kind: "value", value };
    return this.#unknown("name", token, [...TCP_INFO_FIELDS, ...this.#assigned]);
  }

  #peek(): Token {
    return this.#tokens[this.#next];
  }

  #accept(text: string): boolean {
    const token = this.#peek();
    if (token.text !== text || (token.kind !== "op" && token.kind !== "name")) return false;
    this.#next++;
    return true;
  }

  #acceptOf(texts: readonly string[]): string | undefined {
    return texts.find((text) => this.#accept(text));
  }

  #expect(text: string): void {
    if (!this.#accept(text)) this.#fail(`expected "${text}", got ${shown(this.#peek())}`);
  }

  #unknown(what: string, token: Token, known: readonly string[]): never {
    const near = nearest(token.text, known);
    return this.#fail(
      `unknown ${what} "${token.text}"${near === undefined ? "" : `, did you mean "${near}"?`}`,
      token.line,
    );
  }

  #fail(reason: string, line = this.#peek().line): never {
    throw new ScriptError(this.#file, line, reason);
  }
}

function shown(token: Token): string {
  if (token.kind === "end") return "the end of the code";
  return token.text === "\n" ? "the end of the line" : `"${token.text}"`;
}

/** The tokens of a block; an end of line inside parentheses is none. */
function tokensOf(file: string, text: string, line: number): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (found === null) throw new ScriptError(file, line, `unexpected "${text[at]}" in code`);
    const kind = (["number", "string", "name", "op"] as const).find((name) => found.groups![name] !== undefined);
    if (found[0] === "(") depth++;
    if (found[0] === ")") depth--;
    if (kind !== undefined && !(found[0] === "\n" && depth > 0)) tokens.push({ kind, text: found[0], line, at });
    if (found[0].endsWith("\n")) line++;
  }
  return [...tokens, { kind: "end", text: "", line, at: text.length }];
}
