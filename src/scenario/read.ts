/** Reads a value by its description in `schema.ts`: checks it, fills in defaults, resolves units. */

import { Complaint } from "./error.ts";
import { REFUSALS } from "./schema.ts";
import { type Param, specName, type Type, type VariantsType } from "./table.ts";
import { expectedQuantity, formatQuantity, measure, MEASURES, parseLimit } from "./units.ts";
import { anyOf, nearest, quote } from "./words.ts";

/** A field of an object, as paths in errors and in `--set` spell it. */
export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** Whether `value` is an object in JSON's sense. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value in base units, with its defaults. Complains with the path of the first thing that is wrong. */
export function read(type: Type, value: unknown, path: string): unknown {
  const wrong = (): Complaint => new Complaint(path, quote(value), expectation(type));
  switch (type.is) {
    case "text":
      // A seed of 1 is an easy slip.
      if (typeof value === "number") throw new Complaint(path, quote(value), `a string, "${value}"`);
      if (typeof value !== "string") throw wrong();
      if (value.length < type.least || value.length > type.most) throw wrong();
      return value;
    case "flag":
      if (typeof value !== "boolean") throw wrong();
      return value;
    case "integer":
    case "number":
      if (typeof value !== "number" || !(value >= type.min && value <= (type.max ?? Infinity))) throw wrong();
      if (type.is === "integer" && !Number.isInteger(value)) throw wrong();
      return value;
    case "quantity": {
      if (type.word !== undefined && value === type.word) return null;
      const amount = measure(value, type.of, path);
      if (amount < type.min || amount > type.max) throw wrong();
      return Math.round(amount);
    }
    case "limit": {
      if (value === type.word) return null;
      const limit = parseLimit(value, path);
      if (limit.value <= 0 || limit.value > type.max[limit.unit]) throw wrong();
      return limit;
    }
    case "choice":
      if (typeof value !== "string") throw wrong();
      return readName(type.noun, value, type.values, type.later, path);
    case "list":
      return readList(type, value, path);
    case "object":
      if (!isObject(value)) throw wrong();
      return readFields(type.name, type.params, value, path);
    case "variants":
      if (!isObject(value)) throw wrong();
      return readVariant(type, value, path);
  }
}

/** Words for what a type admits. */
export function expectation(type: Type): string {
  switch (type.is) {
    case "text":
      return type.least > 0 ? `a string of ${type.least} to ${type.most} characters` : "a string";
    case "flag":
      return "true or false";
    case "integer":
    case "number": {
      const noun = type.is === "integer" ? "a whole number" : "a number";
      return type.max === undefined ? `${noun} of at least ${type.min}` : `${noun} from ${type.min} to ${type.max}`;
    }
    case "quantity": {
      const [min, max] = [type.min, type.max].map((bound) => formatQuantity(bound, type.of));
      const word = type.word === undefined ? "" : `"${type.word}" or `;
      return `${word}${MEASURES[type.of].noun} from ${min} to ${max}`;
    }
    case "limit":
      return `"${type.word}" or a queue limit from 1pkt (or 1B) to ${type.max.packets}pkt`;
    case "choice":
      return anyOf(type.values);
    case "list": {
      const one = type.orOne ? `${expectation(type.of)}, or ` : "";
      return `${one}a list of ${type.least} to ${type.most} entries`;
    }
    case "object":
      return "an object";
    case "variants":
      return `an object with kind ${anyOf(type.variants.map(({ name }) => name))}`;
  }
}

function readList(type: Extract<Type, { is: "list" }>, value: unknown, path: string): unknown[] {
  if (type.orOne && !Array.isArray(value)) return [read(type.of, value, path)];
  if (!Array.isArray(value) || value.length < type.least || value.length > type.most) {
    throw new Complaint(path, quote(value), expectation(type));
  }
  return Array.from(value, (item, i) => read(type.of, item, `${path}[${i}]`));
}

function readVariant(type: VariantsType, value: Record<string, unknown>, path: string): Record<string, unknown> {
  const names = type.variants.map(({ name }) => name);
  const kind = value.kind === undefined ? type.kind : value.kind;
  if (typeof kind !== "string") throw new Complaint(join(path, "kind"), quote(value.kind), anyOf(names));
  readName(type.noun, kind, names, type.later, join(path, "kind"));
  const { kind: _, ...rest } = value;
  const { params } = type.variants.find(({ name }) => name === kind)!;
  return { kind, ...readFields(type.name, params, rest, path, ["kind"]) };
}

function readFields(
  object: string,
  params: readonly Param[],
  value: Record<string, unknown>,
  path: string,
  alsoKnown: string[] = [],
): Record<string, unknown> {
  const known = [...alsoKnown, ...params.map(({ name }) => name)];
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) throw unknownField(object, name, known, path);
  }
  const filled = withDefaults(params, value);
  return Object.fromEntries(params.map((param) => [specName(param), readField(param, filled, path)]));
}

function withDefaults(params: readonly Param[], value: Record<string, unknown>): Record<string, unknown> {
  const filled = { ...value };
  for (const { name, default: usual, rfc } of params) {
    if (filled[name] === undefined) filled[name] = value.profile === "rfc" ? rfc ?? usual : usual;
  }
  return filled;
}

function readField(param: Param, object: Record<string, unknown>, path: string): unknown {
  const at = join(path, param.name);
  let value = object[param.name];
  if (value === undefined && !param.required) return null;
  if (value === undefined) {
    const expected = param.type.is === "quantity" ? expectedQuantity(param.type.of) : expectation(param.type);
    throw new Complaint(at, "nothing", expected);
  }
  if (param.inherits !== undefined && isObject(value)) {
    const own = value;
    const missing = param.inherits.filter((name) => own[name] === undefined);
    value = { ...own, ...Object.fromEntries(missing.map((name) => [name, object[name]])) };
  }
  return read(param.type, value, at);
}

/** Complains unless `name` is one of `known`. */
export function readName(
  noun: string,
  name: string,
  known: readonly string[],
  later: readonly string[],
  path: string,
): string {
  if (known.includes(name)) return name;
  const expected = anyOf(known);
  if (later.includes(name)) {
    const problem = `${quote(name)} is not in this version, expected ${expected}`;
    throw new Complaint(path, quote(name), expected, problem);
  }
  const guess = nearest(name, known);
  const hint = guess === undefined ? `expected ${expected}` : `did you mean "${guess}"?`;
  throw new Complaint(path, quote(name), expected, `unknown ${noun} ${quote(name)}, ${hint}`);
}

/** The complaint about a field that `object` does not have. */
export function unknownField(object: string, name: string, known: readonly string[], path: string): Complaint {
  const at = join(path, /^[\w$-]+$/.test(name) ? name : quote(name));
  const expected = known.length === 0 ? "no fields" : anyOf(known, "");
  const refusals = REFUSALS[object] ?? {};
  if (Object.hasOwn(refusals, name)) return new Complaint(at, quote(name), expected, refusals[name]);
  const guess = nearest(name, known);
  const hint = guess === undefined ? `expected ${expected}` : `did you mean "${guess}"?`;
  return new Complaint(at, quote(name), expected, `unknown field, ${hint}`);
}
