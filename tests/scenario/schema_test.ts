import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "../../src/scenario/read.ts";
import { SCENARIO } from "../../src/scenario/schema.ts";
import type { Param, Type } from "../../src/scenario/table.ts";
import type {
  Chance,
  Dumbbell,
  FlowGroup,
  FlowTcpParameters,
  Link,
  LinkDirection,
  Path,
  PathLink,
  Queue,
  RecordParameters,
  Reorder,
  Scenario,
  Source,
  TcpParameters,
} from "../../src/scenario/types.ts";

/** A value for each key of `T`, none more and none fewer: the compiler sees to that. */
type Keys<T> = Record<keyof T, 0>;

const direction: Keys<LinkDirection> = {
  rate: 0,
  delay: 0,
  overhead: 0,
  queue: 0,
  loss: 0,
  reorder: 0,
  duplicate: 0,
  corrupt: 0,
  jitter: 0,
};
const link: Keys<Link> = { ...direction, reverse: 0 };
const pathLink: Keys<PathLink> = { ...link, name: 0 };
const chance: Keys<Chance> = { p: 0 };
const reorder: Keys<Reorder> = { p: 0, delay: 0 };
const flowTcp: Keys<FlowTcpParameters> = {
  mss: 0,
  sack: 0,
  timestamps: 0,
  windowScaling: 0,
  ecn: 0,
  delayedAck: 0,
  nagle: 0,
  sendBuffer: 0,
  receiveBuffer: 0,
  initialWindow: 0,
  minRto: 0,
};
const tcp: Keys<TcpParameters> = {
  ...flowTcp,
  profile: 0,
  delayedAckTimeout: 0,
  initialRto: 0,
  maxRto: 0,
  msl: 0,
  finWait2Timeout: 0,
  synRetries: 0,
  dataRetries: 0,
  slowStartAfterIdle: 0,
  pacing: 0,
  tso: 0,
};
const flowGroup: Keys<FlowGroup> = {
  name: 0,
  count: 0,
  from: 0,
  to: 0,
  cc: 0,
  ccOptions: 0,
  start: 0,
  stagger: 0,
  bytes: 0,
  stop: 0,
  accessDelay: 0,
  read: 0,
  realBytes: 0,
  app: 0,
  tcp: 0,
};
const record: Keys<RecordParameters> = { interval: 0, series: 0, percentiles: 0, capture: 0 };
const scenario: Keys<Scenario> = {
  $schema: 0,
  name: 0,
  seed: 0,
  duration: 0,
  warmup: 0,
  topology: 0,
  flows: 0,
  tcp: 0,
  record: 0,
};
const dumbbell: Keys<Dumbbell> = { kind: 0, bottleneck: 0, access: 0 };
const path: Keys<Path> = { kind: 0, links: 0 };
const queue: Keys<Queue> = { kind: 0, limit: 0, mark: 0 };
const source: Keys<Source> = { kind: 0, rate: 0, packetSize: 0 };

const TYPES: Record<string, Record<string, 0>> = {
  scenario,
  link,
  accessLink: link,
  pathLink,
  direction,
  reorder,
  duplicate: chance,
  corrupt: chance,
  flowGroup,
  flowTcp,
  tcp,
  record,
  ccOptions: { abc: 0, hystart: 0, exact: 0, abe: 0 },
  "topology dumbbell": dumbbell,
  "topology path": path,
  "queue droptail": queue,
  "loss bernoulli": { kind: 0, p: 0 },
  "loss periodic": { kind: 0, every: 0 },
  "loss list": { kind: 0, packets: 0 },
  "app cbr": source,
  "app poisson": source,
  "app poisson-exponential": source,
};

/** Every object of the table with its fields, and every field. */
function walk(type: Type, objects: Map<string, string[]>, params: Param[]): void {
  const visit = (name: string, tag: string[], fields: readonly Param[]): void => {
    if (objects.has(name)) return;
    objects.set(name, [...tag, ...fields.map((param) => param.name)]);
    params.push(...fields);
    for (const param of fields) walk(param.type, objects, params);
  };
  if (type.is === "list") walk(type.of, objects, params);
  if (type.is === "object") visit(type.name, [], type.params);
  if (type.is === "variants") {
    for (const { name, params } of type.variants) visit(`${type.name} ${name}`, ["kind"], params);
  }
}

test("schema: the table and the public types have the same fields", () => {
  const objects = new Map<string, string[]>();
  walk(SCENARIO, objects, []);
  const sorted = (names: string[]): string[] => names.toSorted();
  assert.deepEqual(sorted([...objects.keys()]), sorted(Object.keys(TYPES)));
  for (const [name, fields] of objects) assert.deepEqual(sorted(fields), sorted(Object.keys(TYPES[name])), name);
});

test("schema: every default is a value that its field admits, and no required field has one", () => {
  const params: Param[] = [];
  walk(SCENARIO, new Map(), params);
  let defaults = 0;
  for (const { name, type, default: usual, rfc, required } of params) {
    for (const value of [usual, rfc]) {
      if (value === undefined) continue;
      defaults++;
      assert.ok(!required, name);
      // What `reverse` lacks it inherits, so alone it is not whole.
      if (name !== "reverse") assert.doesNotThrow(() => read(type, value, name), name);
    }
  }
  assert.ok(defaults > 30, `${defaults} defaults`);
});
