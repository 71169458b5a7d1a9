import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { ScenarioError } from "../../src/scenario/error.ts";
import { scenarioSchema } from "../../src/scenario/json_schema.ts";
import { normalize } from "../../src/scenario/normalize.ts";
import { plain, Random, randomScenario } from "./random.ts";

const SEEDS = 400;

function compile(): ValidateFunction {
  return new Ajv2020({ strict: true, strictTypes: false, allErrors: false }).compile(scenarioSchema());
}

/** Why `normalize` refuses, or null. */
function refusal(scenario: unknown): string | null {
  try {
    normalize(scenario);
    return null;
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.message;
  }
}

/** Every object and list in a value, with the path to it. */
function nodes(value: unknown, path = "$"): { value: Record<string, unknown>; path: string }[] {
  if (typeof value !== "object" || value === null) return [];
  const below = Object.entries(value).flatMap(([key, item]) => nodes(item, `${path}.${key}`));
  return [{ value: value as Record<string, unknown>, path }, ...below];
}

test("scenarioSchema: is a valid schema of draft 2020-12", () => {
  const ajv = new Ajv2020();
  assert.equal(ajv.validateSchema(scenarioSchema()), true, JSON.stringify(ajv.errors));
});

test("scenarioSchema: accepts whatever normalize accepts", () => {
  const accepts = compile();
  for (let seed = 0; seed < SEEDS; seed++) {
    const scenario = randomScenario(seed);
    assert.equal(refusal(scenario), null, `seed ${seed}`);
    assert.ok(accepts(scenario), `seed ${seed}: ${JSON.stringify(accepts.errors)}`);
  }
});

test("scenarioSchema: refuses an unknown field in any object, as normalize does", () => {
  const accepts = compile();
  for (let seed = 0; seed < SEEDS; seed++) {
    const scenario = plain(randomScenario(seed));
    const { value, path } = new Random(seed).pick(nodes(scenario).filter(({ value }) => !Array.isArray(value)));
    value.unheardOf = 1;
    assert.ok(!accepts(scenario), `seed ${seed}: the schema accepts ${path}.unheardOf`);
    assert.match(refusal(scenario) ?? "accepted", /unheardOf: unknown field/, `seed ${seed}: ${path}`);
  }
});

test("scenarioSchema: is never stricter than normalize about a value that was replaced", () => {
  const accepts = compile();
  const others = [null, true, -1, 0, 0.5, 3, 1e20, "", "7ms", "3pkt", "1kbps", "64KiB", "reno", "left", [], {}, [1]];
  let [refused, both] = [0, 0];
  for (let seed = 0; seed < 2 * SEEDS; seed++) {
    const random = new Random(seed);
    const scenario = plain(randomScenario(seed));
    const { value, path } = random.pick(nodes(scenario));
    const key = random.pick(Object.keys(value).concat(Object.keys(value).length === 0 ? ["x"] : []));
    value[key] = random.pick(others);
    const why = refusal(scenario);
    const accepted = accepts(scenario);
    if (why === null) assert.ok(accepted, `seed ${seed}: ${path}.${key}: ${JSON.stringify(accepts.errors)}`);
    if (why !== null) refused++;
    if (why !== null && !accepted) both++;
  }
  // The rest are rules between fields and ranges of quantities with a unit, which a schema cannot say.
  assert.ok(both > 0.8 * refused, `the schema refuses ${both} of the ${refused} that normalize refuses`);
});

test("scenarioSchema: every field has a description, and every default is in its own notation", () => {
  const walk = (schema: unknown): Record<string, unknown>[] => {
    if (typeof schema !== "object" || schema === null) return [];
    const { properties } = schema as { properties?: Record<string, Record<string, unknown>> };
    const here = Object.entries(properties ?? {}).filter(([name]) => name !== "kind").map(([, field]) => field);
    return [...here, ...Object.values(schema).flatMap(walk)];
  };
  const root = scenarioSchema();
  const fields = walk(root);
  assert.ok(fields.length > 60, `${fields.length} fields`);
  for (const field of fields) {
    assert.match(String(field.description), /^[A-Z].*\.$/s);
    if (field.default === undefined) continue;
    const { $defs } = root;
    const accepts = new Ajv2020({ strictTypes: false }).compile({ ...field, $defs });
    assert.ok(accepts(field.default), `${JSON.stringify(field.default)}: ${JSON.stringify(accepts.errors)}`);
  }
});
