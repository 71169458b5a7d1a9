/** The arguments of one system call of a script, read by what the call needs them to be. */
import type { LingerSetting, OptionSetting, ScriptAddress, TimeSetting } from "./host.ts";
import type { Expression, StructField } from "./syntax.ts";

/** An argument is not of the kind that its call takes; the message names it. */
export class ArgumentError extends Error {
  override name = "ArgumentError";
}

/** Reads arguments by position. */
export class Args {
  readonly #items: readonly Expression[];

  /** Arguments of a call that takes from `least` to `most` of them. */
  constructor(items: readonly Expression[], least: number, most = least) {
    if (items.length < least || items.length > most) {
      const wanted = least === most ? `${least}` : `${least} to ${most}`;
      throw new ArgumentError(`expected ${wanted} arguments, got ${items.length}`);
    }
    this.#items = items;
  }

  /** The argument itself; one that is not there counts as `...`. */
  at(index: number): Expression {
    return this.#items[index] ?? { kind: "any" };
  }

  /** A number. */
  number(index: number): number {
    return numberOf(this.at(index), `argument ${index + 1}`);
  }

  /** A number, or what `...` stands for. */
  numberOr(index: number, otherwise: number): number {
    return this.at(index).kind === "any" ? otherwise : this.number(index);
  }

  /** Bytes of a buffer of the length that the argument behind it says: zeros for `...`, the text of a string. */
  buffer(index: number): Uint8Array | number {
    const buffer = this.at(index);
    const length = this.number(index + 1);
    if (buffer.kind === "any" || this.isNull(index)) return length;
    if (buffer.kind !== "string") throw new ArgumentError(`argument ${index + 1}: expected "..." or a string`);
    const bytes = new Uint8Array(length);
    bytes.set(latin1(buffer.value).subarray(0, length));
    return bytes;
  }

  /** Whether the argument is the null pointer. */
  isNull(index: number): boolean {
    const argument = this.at(index);
    return argument.kind === "number" && argument.value === 0;
  }

  /** Bytes in all parts of `[{..., 10}, {..., 20}]`. */
  iovec(index: number): number {
    return iovecLength(this.at(index), `argument ${index + 1}`);
  }

  /** An address, or what `...` stands for. */
  address(index: number, otherwise: ScriptAddress): ScriptAddress {
    return addressOf(this.at(index), otherwise, `argument ${index + 1}`);
  }

  /** The value of `setsockopt`: `[1]`, `"reno"`, `{onoff=1, linger=0}`. */
  setting(index: number): OptionSetting {
    return settingOf(this.at(index), `argument ${index + 1}`);
  }

  /** Members of a struct by name. */
  struct(index: number): Struct {
    return new Struct(this.at(index), `argument ${index + 1}`);
  }

  /** Members of each struct of a list; a single struct is a list of one. */
  structs(index: number): Struct[] {
    const list = this.at(index);
    const items = list.kind === "list" ? list.items : [list];
    return items.map((item, at) => new Struct(item, `argument ${index + 1}[${at}]`));
  }
}

/** A struct such as `{fd=4, events=POLLIN}`. */
export class Struct {
  readonly #fields: readonly StructField[];
  readonly #where: string;

  /** Members of an expression, which has to be a struct. */
  constructor(expression: Expression, where: string) {
    if (expression.kind !== "struct") {
      throw new ArgumentError(`${where}: expected a struct such as {fd=4, events=POLLIN}`);
    }
    this.#fields = expression.fields;
    this.#where = where;
  }

  /** Refuses members other than these. */
  only(...names: string[]): this {
    const wrong = this.#fields.find(({ name }) => name === undefined || !names.includes(name));
    if (wrong !== undefined) {
      throw new ArgumentError(`${this.#where}: unknown member "${wrong.name ?? ""}", expected ${names.join(", ")}`);
    }
    return this;
  }

  /** A member; one that is not there counts as `...`. */
  get(name: string): Expression {
    return this.#fields.find((field) => field.name === name)?.value ?? { kind: "any" };
  }

  /** A member that is a number. */
  number(name: string): number {
    return numberOf(this.get(name), `${this.#where}: ${name}`);
  }

  /** A member that is a number if it is there. */
  optional(name: string): number | undefined {
    return this.get(name).kind === "any" ? undefined : this.number(name);
  }
}

function numberOf(expression: Expression, where: string): number {
  // `[1]` is a pointer to 1
  if (expression.kind === "list" && expression.items.length === 1) return numberOf(expression.items[0], where);
  if (expression.kind === "apply") return applied(expression, where);
  if (expression.kind !== "number") throw new ArgumentError(`${where}: expected a number`);
  return expression.value;
}

/** Byte orders are of no concern here: a port is a port. */
function applied(expression: Expression & { kind: "apply" }, where: string): number {
  if (!/^(?:h|n)to(?:h|n)[sl]$/.test(expression.name) || expression.args.length !== 1) {
    throw new ArgumentError(`${where}: expected a number, got ${expression.name}()`);
  }
  return numberOf(expression.args[0], where);
}

/** Bytes in a list of `{..., length}`. */
export function iovecLength(expression: Expression, where: string): number {
  if (expression.kind !== "list") throw new ArgumentError(`${where}: expected a list such as [{..., 1000}]`);
  return expression.items.reduce((sum, item) => {
    const part = item.kind === "struct" ? item.fields : [];
    if (part.length !== 2) throw new ArgumentError(`${where}: expected a list such as [{..., 1000}]`);
    return sum + numberOf(part[1].value, where);
  }, 0);
}

const ADDRESS_MEMBERS = /^(?:sa_family|sin6?_(?:family|port|addr|flowinfo|scope_id))$/;

/** `{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}`, or `...`. */
export function addressOf(expression: Expression, otherwise: ScriptAddress, where: string): ScriptAddress {
  if (expression.kind === "any") return otherwise;
  if (expression.kind !== "struct") throw new ArgumentError(`${where}: expected "..." or a struct sockaddr`);
  let { address, port } = otherwise;
  for (const { name = "", value } of expression.fields) {
    if (!ADDRESS_MEMBERS.test(name)) throw new ArgumentError(`${where}: unknown member "${name}" of a struct sockaddr`);
    if (value.kind === "any") continue;
    if (name.endsWith("port")) port = numberOf(value, `${where}: ${name}`);
    if (name.endsWith("addr")) address = addressText(value, `${where}: ${name}`);
  }
  return { address, port };
}

function addressText(expression: Expression, where: string): string {
  const text = expression.kind === "apply" ? expression.args.at(-1) : expression;
  if (text?.kind === "string") return text.value;
  if (text?.kind === "number" && text.value === 0) return "0.0.0.0";
  throw new ArgumentError(`${where}: expected an address such as inet_addr("192.0.2.1")`);
}

/** What an option is set to. */
export function settingOf(expression: Expression, where: string): OptionSetting {
  if (expression.kind === "list" && expression.items.length === 1) return settingOf(expression.items[0], where);
  if (expression.kind === "string") return expression.value;
  if (expression.kind === "struct") {
    const isTime = expression.fields.some(({ name }) => name?.startsWith("tv_"));
    return isTime ? timeOf(expression, where) : lingerOf(expression, where);
  }
  return numberOf(expression, where);
}

function timeOf(expression: Expression, where: string): TimeSetting {
  const struct = new Struct(expression, where).only("tv_sec", "tv_usec");
  return { tv_sec: struct.number("tv_sec"), tv_usec: struct.number("tv_usec") };
}

function lingerOf(expression: Expression, where: string): LingerSetting {
  const struct = new Struct(expression, where).only("onoff", "l_onoff", "linger", "l_linger");
  const onoff = struct.optional("onoff") ?? struct.number("l_onoff");
  return { onoff, linger: struct.optional("linger") ?? struct.number("l_linger") };
}

/** A text whose characters are bytes. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0) & 255);
}
