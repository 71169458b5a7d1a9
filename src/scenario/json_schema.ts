/** The parameter table as a JSON Schema, draft 2020-12: what `cwnd schema` prints and editors complete from. */

import { SCENARIO } from "./schema.ts";
import type { Json, ObjectType, Param, Type, Variant, VariantsType } from "./table.ts";
import { quantityPattern } from "./units.ts";

type Schema = { [name: string]: Json };

/** A number in base units, or written in the file's: nanoseconds are seconds there. */
const BARE = { rate: 1, time: 1e9, bytes: 1 };

/**
 * The JSON Schema of scenario files. It checks names, types and ranges of numbers; rules between fields, and ranges of
 * quantities with a unit, are `normalize`'s.
 */
export function scenarioSchema(): Schema {
  const definitions: Schema = {};
  const root = define(SCENARIO, definitions);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "cwnd scenario",
    ...root,
    $defs: definitions,
  };
}

function schemaOf(type: Type, definitions: Schema): Schema {
  switch (type.is) {
    case "text":
      return { type: "string", minLength: type.least, maxLength: type.most };
    case "flag":
      return { type: "boolean" };
    case "integer":
    case "number":
      return { type: type.is, minimum: type.min, ...(type.max === undefined ? {} : { maximum: type.max }) };
    case "quantity": {
      const scale = BARE[type.of];
      const word: Schema[] = type.word === undefined ? [] : [{ const: type.word }];
      return {
        anyOf: [
          ...word,
          { type: "string", pattern: quantityPattern(type.of) },
          { type: "number", minimum: type.min / scale, maximum: type.max / scale },
        ],
      };
    }
    case "limit":
      return {
        anyOf: [
          { const: type.word },
          { type: "string", pattern: quantityPattern("limit") },
          { type: "number", exclusiveMinimum: 0, maximum: type.max.bytes },
        ],
      };
    case "choice":
      return { enum: [...type.values] };
    case "list": {
      const items = schemaOf(type.of, definitions);
      const list: Schema = { type: "array", items, minItems: type.least, maxItems: type.most };
      return type.orOne ? { anyOf: [items, list] } : list;
    }
    case "object":
    case "variants":
      if (!(type.name in definitions)) {
        // Reserved before it is described, so that definitions stand in the order in which a reader meets them.
        definitions[type.name] = {};
        definitions[type.name] = type.is === "object" ? define(type, definitions) : defineVariants(type, definitions);
      }
      return { $ref: `#/$defs/${type.name}` };
  }
}

function define(type: ObjectType, definitions: Schema): Schema {
  return fields(type.params, definitions);
}

function defineVariants(type: VariantsType, definitions: Schema): Schema {
  const kinds = type.variants.map((variant) => defineVariant(variant, variant.name === type.kind, definitions));
  return kinds.length === 1 ? kinds[0] : { oneOf: kinds };
}

function defineVariant({ name, source, doc, params }: Variant, optional: boolean, definitions: Schema): Schema {
  const { properties, required, ...rest } = fields(params, definitions) as { properties: Schema; required?: Json[] };
  const needed = [...(optional ? [] : ["kind"]), ...(required ?? [])];
  return {
    description: `${doc} Source: ${source}.`,
    ...rest,
    properties: { kind: { const: name }, ...properties },
    ...(needed.length > 0 ? { required: needed } : {}),
  };
}

function fields(params: readonly Param[], definitions: Schema): Schema {
  const properties = params.map((param): [string, Json] => [param.name, {
    ...schemaOf(param.type, definitions),
    description: param.rfc === undefined ? param.doc : `${param.doc} Under profile "rfc": ${param.rfc}.`,
    ...(param.default === undefined ? {} : { default: param.default }),
  }]);
  const required = params.filter((param) => param.required).map(({ name }) => name);
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}
