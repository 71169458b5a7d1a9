/** `--set flows[0].cc=reno`: one field of a scenario changed, found by its path and typed by the parameter table. */

import { Complaint, inFile } from "./error.ts";
import { isObject, join, unknownField } from "./read.ts";
import { SCENARIO } from "./schema.ts";
import type { ObjectType, Param, Type, VariantsType } from "./table.ts";
import { quote } from "./words.ts";

const PATH = /^[\w$-]+(?:\.[\w$-]+|\[\d+\])*$/;

/**
 * A copy of `scenario` in which the field before the first `=` has the value behind it: JSON where it parses, else a
 * string. Indices are `flows[0]` or `flows.0`. Objects on the way are made when they are missing, entries of lists are
 * not. Throws a `ScenarioError` when there is no such field.
 */
export function applySet(scenario: unknown, assignment: string): unknown {
  return inFile("--set", () => {
    const equals = assignment.indexOf("=");
    const path = assignment.slice(0, Math.max(equals, 0)).trim();
    if (!PATH.test(path)) throw new Complaint("", quote(assignment), `path=value, such as "flows[0].cc=reno"`);
    return assign(SCENARIO, scenario, "", path.match(/[\w$-]+/g)!, assignment.slice(equals + 1));
  });
}

function assign(type: Type, value: unknown, path: string, steps: string[], text: string): unknown {
  if (steps.length === 0) return parseValue(type, text);
  const [step, ...rest] = steps;
  switch (type.is) {
    case "object":
    case "variants": {
      const object = isObject(value) ? value : {};
      const param = fieldsOf(type, object).find(({ name }) => name === step);
      if (param === undefined) {
        throw unknownField(
          type.name,
          step,
          fieldsOf(type, object).map(({ name }) => name),
          path,
        );
      }
      return { ...object, [step]: assign(param.type, object[step], join(path, step), rest, text) };
    }
    case "list": {
      const items = Array.isArray(value) ? value : [];
      const at = `${path}[${step}]`;
      if (!/^\d+$/.test(step)) throw new Complaint(at, quote(step), "an index");
      if (Number(step) >= items.length) {
        throw new Complaint(at, `a list of ${items.length}`, "an index below its length");
      }
      return items.with(Number(step), assign(type.of, items[Number(step)], at, rest, text));
    }
    default:
      throw new Complaint(join(path, step), quote(step), `nothing below ${path}, which is a plain value`);
  }
}

/** The fields an object may have; while its kind is not known, those of all kinds. */
function fieldsOf(type: ObjectType | VariantsType, value: Record<string, unknown>): Param[] {
  if (type.is === "object") return [...type.params];
  const kind = type.variants.find(({ name }) => name === (value.kind ?? type.kind));
  const kinds = kind === undefined ? type.variants : [kind];
  const values = type.variants.map(({ name }) => name);
  const tag: Param = { name: "kind", type: { is: "choice", noun: type.noun, values, later: type.later }, doc: "" };
  return [tag, ...kinds.flatMap(({ params }) => params)];
}

function parseValue(type: Type, text: string): unknown {
  // A seed of 2 is the string "2".
  if (type.is === "text") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
