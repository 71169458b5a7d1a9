/**
 * From a scenario as written to the plain data that the core is compiled from. The table checks each field alone
 * (`read.ts`); here are the rules between fields.
 */

import { Complaint, inFile } from "./error.ts";
import { join, read } from "./read.ts";
import { CONGESTION_CONTROLS, FLOWS_MAX, SAMPLED, SAMPLES_BYTES_MAX, SCENARIO, TCP, TIME_MAX } from "./schema.ts";
import type {
  DumbbellSpec,
  FlowGroupSpec,
  LinkSpec,
  LossSpec,
  PathSpec,
  RecordSpec,
  ScenarioSpec,
  Side,
  TcpSpec,
} from "./types.ts";
import { formatQuantity } from "./units.ts";
import { quote } from "./words.ts";

/** What the table alone makes of a scenario: names, sides, links and samples are still to be settled. */
type Draft = Omit<ScenarioSpec, "flows" | "record"> & {
  flows: (Omit<FlowGroupSpec, "name" | "from" | "to"> & { name: string | null; from: Side | null; to: Side | null })[];
  record: Omit<RecordSpec, "series" | "capture"> & {
    series: RecordSpec["series"] | null;
    capture: string[] | null;
  };
};

/**
 * Checks `scenario` and resolves it. Throws a `ScenarioError` that names `file`, the field, what was found and what was
 * expected.
 */
export function normalize(scenario: unknown, file = "scenario"): ScenarioSpec {
  return inFile(file, () => {
    const draft = read(SCENARIO, scenario, "") as Draft;
    const { name, seed, duration_ns, warmup_ns } = draft;
    if (warmup_ns >= duration_ns) {
      const end = formatQuantity(duration_ns, "time");
      throw new Complaint("warmup", formatQuantity(warmup_ns, "time"), `less than the duration of ${end}`);
    }
    const topology = settleTopology(draft.topology);
    const tcp = checkTcp(draft.tcp, "tcp");
    const flows = settleFlows(draft, scenario as Record<string, unknown>);
    const record = settleRecord(draft, topology, flows);
    return { name, seed, duration_ns, warmup_ns, topology, flows, tcp, record };
  });
}

// ---- Topology ----------------------------------------------------------------------------------------------------

function settleTopology(topology: DumbbellSpec | PathSpec): DumbbellSpec | PathSpec {
  if (topology.kind === "dumbbell") {
    const { kind, bottleneck, access } = topology;
    return { kind, bottleneck: settleLink(bottleneck, "bottleneck"), access: settleLink(access, "access") };
  }
  const links = topology.links.map((link, i) => settleLink(link, link.name ?? `link${i}`));
  links.forEach(({ name }, i) => {
    const first = links.findIndex((link) => link.name === name);
    if (first === i) return;
    const expected = `a name other than that of topology.links[${first}]`;
    throw new Complaint(`topology.links[${i}].name`, quote(name), expected);
  });
  return { kind: "path", links };
}

function settleLink(link: LinkSpec, name: string): LinkSpec {
  const reverse = { ...link.reverse, loss: settleLoss(link.reverse.loss) };
  return { ...link, name, loss: settleLoss(link.loss), reverse };
}

/** The core steps through a list in order. */
function settleLoss(loss: LossSpec | null): LossSpec | null {
  if (loss?.kind !== "list") return loss;
  return { kind: "list", packets: [...new Set(loss.packets)].sort((a, b) => a - b) };
}

// ---- Flows -------------------------------------------------------------------------------------------------------

function settleFlows(draft: Draft, scenario: Record<string, unknown>): FlowGroupSpec[] {
  const raws = scenario.flows as Record<string, unknown>[];
  const taken = new Map<string, number>();
  draft.flows.forEach(({ name }, i) => {
    if (name === null) return;
    const first = taken.get(name);
    if (first !== undefined) {
      throw new Complaint(`flows[${i}].name`, quote(name), `a name other than that of flows[${first}]`);
    }
    taken.set(name, i);
  });

  const tried = new Map<string, number>();
  const groups = draft.flows.map((group, i): FlowGroupSpec => {
    const path = `flows[${i}]`;
    const name = group.name ?? freeName(group.app?.kind ?? group.cc, taken, tried);
    if (group.app !== null) refuseTcpFields(raws[i], path);
    const tcp = mergeTcp(scenario.tcp, raws[i].tcp, path);
    checkTimes(group, path);
    const ccOptions = settleCcOptions(group.cc, raws[i].ccOptions, tcp.profile, join(path, "ccOptions"));
    return { ...group, name, ...sides(group, path), ccOptions, tcp };
  });

  checkCount(groups);
  return groups;
}

/** The schema knows the options of all congestion controls; here they are those of this one, with its defaults. */
function settleCcOptions(
  cc: string,
  given: unknown,
  profile: TcpSpec["profile"],
  path: string,
): FlowGroupSpec["ccOptions"] {
  const own = CONGESTION_CONTROLS.find(({ name }) => name === cc)?.params ?? [];
  const params = own.map((param) => profile === "rfc" ? { ...param, default: param.rfc ?? param.default } : param);
  return read({ is: "object", name: "ccOptions", params }, given ?? {}, path) as FlowGroupSpec["ccOptions"];
}

function checkCount(groups: FlowGroupSpec[]): void {
  let total = 0;
  groups.forEach(({ count }, i) => {
    total += count;
    if (total <= FLOWS_MAX) return;
    const why = "each takes about 2 KiB of the core's 4 GiB besides its data in flight";
    throw new Complaint(`flows[${i}].count`, `${total} flows in all`, `at most ${FLOWS_MAX} in this version: ${why}`);
  });
}

/** `cubic`, then `cubic-2`, ...; `tried` remembers how far the count has come. */
function freeName(base: string, taken: Map<string, number>, tried: Map<string, number>): string {
  let k = tried.get(base) ?? 0;
  let name: string;
  do name = ++k === 1 ? base : `${base}-${k}`; while (taken.has(name));
  tried.set(base, k);
  return name;
}

function sides({ from, to }: { from: Side | null; to: Side | null }, path: string): { from: Side; to: Side } {
  const other = (side: Side): Side => side === "left" ? "right" : "left";
  const sender = from ?? (to === null ? "left" : other(to));
  const receiver = to ?? other(sender);
  if (receiver === sender) throw new Complaint(join(path, "to"), quote(receiver), quote(other(sender)));
  return { from: sender, to: receiver };
}

function refuseTcpFields(raw: Record<string, unknown>, path: string): void {
  const name = ["cc", "ccOptions", "bytes", "read", "realBytes", "tcp"].find((name) => raw[name] !== undefined);
  if (name === undefined) return;
  const problem = `does not apply to a source of datagrams, which ${join(path, "app")} makes this group`;
  throw new Complaint(join(path, name), quote(raw[name]), "nothing", problem);
}

function checkTimes(group: Pick<FlowGroupSpec, "count" | "start_ns" | "stagger_ns" | "stop_ns">, path: string): void {
  const last_ns = group.start_ns + (group.count - 1) * group.stagger_ns;
  if (last_ns > TIME_MAX) {
    const expected = `the last flow to start within ${formatQuantity(TIME_MAX, "time")}`;
    throw new Complaint(join(path, "stagger"), formatQuantity(group.stagger_ns, "time"), expected);
  }
  if (group.stop_ns === null || group.stop_ns > last_ns) return;
  const expected = `a time after the last start at ${formatQuantity(last_ns, "time")}`;
  throw new Complaint(join(path, "stop"), formatQuantity(group.stop_ns, "time"), expected);
}

/** Both were checked on their own already; together they give the profile's defaults where neither says anything. */
function mergeTcp(run: unknown, group: unknown, path: string): TcpSpec {
  const given = (tcp: unknown): [string, unknown][] =>
    Object.entries(tcp ?? {}).filter(([, value]) => value !== undefined);
  const merged = Object.fromEntries([...given(run), ...given(group)]);
  return checkTcp(read(TCP, merged, join(path, "tcp")) as TcpSpec, join(path, "tcp"));
}

function checkTcp(tcp: TcpSpec, path: string): TcpSpec {
  for (const name of ["initialRto_ns", "minRto_ns"] as const) {
    if (tcp[name] <= tcp.maxRto_ns) continue;
    const expected = `at most maxRto, ${formatQuantity(tcp.maxRto_ns, "time")}`;
    throw new Complaint(join(path, name.slice(0, -"_ns".length)), formatQuantity(tcp[name], "time"), expected);
  }
  return tcp;
}

// ---- Records -----------------------------------------------------------------------------------------------------

function settleRecord(draft: Draft, topology: DumbbellSpec | PathSpec, flows: FlowGroupSpec[]): RecordSpec {
  const { interval_ns, percentiles } = draft.record;
  const series = [...new Set(draft.record.series ?? (interval_ns === null ? [] : SAMPLED.series))];
  const count = flows.reduce((sum, group) => sum + group.count, 0);
  const links = topology.kind === "path" ? topology.links.map(({ name }) => name) : ["bottleneck"];
  const capture = [...new Set(draft.record.capture ?? [links[0]])];
  capture.forEach((name, i) => {
    if (links.includes(name) || (topology.kind === "dumbbell" && isAccessLink(name, count))) return;
    const expected = topology.kind === "path"
      ? `a link's name: ${links.map(quote).join(", ")}`
      : `"bottleneck", or "left0" to "right${count - 1}" for the links of a flow's hosts`;
    throw new Complaint(`record.capture[${i}]`, quote(name), expected);
  });
  if (series.length === 0) return { interval_ns: null, series, percentiles, capture };

  const interval = interval_ns ?? SAMPLED.interval_ns;
  const columns = series.filter((name) => name !== "queue").length * count +
    (series.includes("queue") ? links.length : 0);
  const bytes = 8 * columns * Math.floor(draft.duration_ns / interval);
  if (bytes > SAMPLES_BYTES_MAX) {
    const found = `${columns} series of ${Math.floor(draft.duration_ns / interval)} samples`;
    const most = SAMPLES_BYTES_MAX / 8;
    throw new Complaint(
      "record.interval",
      found,
      `at most ${most} samples in all, 8 bytes each; a longer interval helps`,
    );
  }
  return { interval_ns: interval, series, percentiles, capture };
}

/** `left<k>` or `right<k>`, k the number of a flow. */
function isAccessLink(name: string, count: number): boolean {
  const number = /^(?:left|right)(0|[1-9]\d*)$/.exec(name)?.[1];
  return number !== undefined && Number(number) < count;
}
