/**
 * The parameter table: every field of a scenario with its type, range, default and meaning, and every algorithm,
 * topology and source with where it comes from. Nothing else in `scenario/` knows a field's range or default.
 */

import type { BuiltInCongestionControl } from "./congestion_control.ts";
import type { ObjectType, Param, Refusals, Type, Variant, VariantsType } from "./table.ts";

const US = 1e3;
const MS = 1e6;
const S = 1e9;
const HOUR = 3600 * S;
const GiB = 2 ** 30;
const U32 = 2 ** 32 - 1;

/** Nanoseconds up to here are exact in a double. */
export const TIME_MAX = 100 * 24 * HOUR;
/** Two control blocks, a route and two access links stay under 2 KiB a flow; data in flight comes on top. */
export const FLOWS_MAX = 1_000_000;

const SIDES = ["left", "right"] as const;

// ---- Types that several fields share -----------------------------------------------------------------------------

const flag: Type = { is: "flag" };
const title: Type = { is: "text", least: 1, most: 200 };
const chance: Type = { is: "number", min: 0, max: 1 };
// Below 100 bit/s a packet takes minutes; above 10 Tbit/s the time of a byte loses its fourth digit.
const rate: Type = { is: "quantity", of: "rate", min: 100, max: 10e12 };
const delay: Type = { is: "quantity", of: "time", min: 0, max: HOUR };
const instant: Type = { is: "quantity", of: "time", min: 0, max: TIME_MAX };
const rto: Type = { is: "quantity", of: "time", min: US, max: HOUR };
const buffer: Type = { is: "quantity", of: "bytes", min: 256, max: GiB };

function integer(min: number, max?: number): Type {
  return { is: "integer", min, max };
}

function choice(noun: string, values: readonly string[], later: readonly string[] = []): Type {
  return { is: "choice", noun, values, later };
}

function object(name: string, params: readonly Param[]): ObjectType {
  return { is: "object", name, params };
}

/** The first of each name. */
function distinct(params: readonly Param[]): Param[] {
  return params.filter(({ name }, i) => params.findIndex((param) => param.name === name) === i);
}

/** The field without its default: null when absent. */
function optional({ name, type, doc }: Param): Param {
  return { name, type, doc };
}

// ---- Algorithms --------------------------------------------------------------------------------------------------

const abe: Param = {
  name: "abe",
  type: flag,
  default: false,
  doc: "A mark takes less of the window than a loss, RFC 8511.",
};

/** A name that is missing in the public type is refused by the compiler. */
export const CONGESTION_CONTROLS: readonly (Variant & { name: BuiltInCongestionControl })[] = [
  {
    name: "cubic",
    source: "RFC 9438",
    doc: "Window grows as a cubic function of the time since the last loss, with fast convergence; Linux's default.",
    params: [
      {
        name: "hystart",
        type: flag,
        default: true,
        rfc: false,
        doc: "Leaves slow start when round-trip times grow or a train of ACKs is long, as Linux does.",
      },
      {
        name: "exact",
        type: flag,
        default: false,
        rfc: true,
        doc: "Real numbers to the letter of RFC 9438; else whole segments and milliseconds as Linux computes them.",
      },
      abe,
    ],
  },
  {
    name: "reno",
    source: "RFC 5681, RFC 3465",
    doc: "One segment a round trip, halved on loss; counts what is acknowledged (ABC).",
    params: [
      {
        name: "abc",
        type: flag,
        default: true,
        doc: "Counts acknowledged segments, RFC 3465; else ACKs, as RFC 5681 does without it.",
      },
      abe,
    ],
  },
];

export const QUEUES: VariantsType = {
  is: "variants",
  name: "queue",
  noun: "queue discipline",
  kind: "droptail",
  later: ["red", "codel", "fq_codel", "pie", "fq_pie", "dualpi2", "cake", "sfq", "fq"],
  variants: [
    {
      name: "droptail",
      source: "FIFO",
      doc: "First in, first out; a packet that does not fit is dropped.",
      params: [
        {
          name: "limit",
          type: { is: "limit", max: { packets: U32, bytes: 1e15, bdp: 1e6 }, word: "unlimited" },
          default: "1bdp",
          doc: "Packets (pkt), bytes or bandwidth-delay products (bdp) that may wait; one that is being sent does not.",
        },
        {
          name: "mark",
          type: integer(1, U32),
          doc: "Packets waiting from which on those with ECT are marked CE (RFC 3168); never when absent.",
        },
      ],
    },
  ],
};

export const LOSSES: VariantsType = {
  is: "variants",
  name: "loss",
  noun: "loss",
  later: ["gilbert-elliott", "trace"],
  variants: [
    {
      name: "bernoulli",
      source: "independent trials",
      doc: "Drops each packet with the same probability.",
      params: [{ name: "p", type: chance, required: true, doc: "Probability for each packet." }],
    },
    {
      name: "periodic",
      source: "deterministic loss model, RFC 9438",
      doc: "Drops every so many data packets of each flow.",
      params: [
        { name: "every", type: integer(1, U32), required: true, doc: "Data packets number every, 2 x every, ... go." },
      ],
    },
    {
      name: "list",
      source: "packet scripts",
      doc: "Drops the data packets with these numbers.",
      params: [
        {
          name: "packets",
          type: { is: "list", of: integer(1, U32), least: 1, most: 1_000_000 },
          required: true,
          doc: "From 1, in the order in which data packets arrive at the link, retransmissions counted.",
        },
      ],
    },
  ],
};

const sourceParams: readonly Param[] = [
  { name: "rate", type: rate, required: true, doc: "Mean offered load in IP bits a second." },
  {
    name: "packetSize",
    type: { is: "quantity", of: "bytes", min: 28, max: 65535 },
    default: "1500B",
    doc: "IP bytes of a datagram, the mean for exponential sizes.",
  },
];

export const SOURCES: VariantsType = {
  is: "variants",
  name: "app",
  noun: "application",
  later: ["request-response", "on-off", "http", "video"],
  variants: [
    { name: "cbr", source: "constant bit rate", doc: "Datagrams of one size at equal gaps.", params: sourceParams },
    {
      name: "poisson",
      source: "M/D/1",
      doc: "Datagrams of one size at exponential gaps: a Poisson process.",
      params: sourceParams,
    },
    {
      name: "poisson-exponential",
      source: "M/M/1",
      doc: "Datagrams of exponential size at exponential gaps.",
      params: sourceParams,
    },
  ],
};

// ---- Links and topologies ----------------------------------------------------------------------------------------

const directionParams: readonly Param[] = [
  { name: "rate", type: rate, required: true, doc: "Bits a second." },
  { name: "delay", type: delay, required: true, doc: "One-way propagation delay." },
  {
    name: "overhead",
    type: { is: "quantity", of: "bytes", min: 0, max: 1500 },
    default: "0B",
    doc: "Link-layer bytes that each IP packet takes on top.",
  },
  { name: "queue", type: QUEUES, default: {}, doc: "What waits for the transmitter, and how much of it." },
  { name: "loss", type: LOSSES, doc: "Packets dropped on purpose." },
  {
    name: "reorder",
    type: object("reorder", [
      { name: "p", type: chance, required: true, doc: "Probability for each packet." },
      {
        name: "delay",
        type: { is: "quantity", of: "time", min: 1, max: HOUR },
        required: true,
        doc: "How long it is held back.",
      },
    ]),
    doc: "Packets held back so that later ones overtake them.",
  },
  { name: "duplicate", type: chanceOf("duplicate"), doc: "Packets that arrive twice." },
  { name: "corrupt", type: chanceOf("corrupt"), doc: "Packets with a flipped bit, which the checksum then drops." },
  { name: "jitter", type: delay, default: "0s", doc: "Delay added at random between 0 and this; the order stays." },
];

function chanceOf(name: string): ObjectType {
  return object(name, [{ name: "p", type: chance, required: true, doc: "Probability for each packet." }]);
}

// Impairments are not among these: a lossy link would lose acknowledgments too, and no closed form would hold.
const SYMMETRIC = ["rate", "delay", "overhead", "queue"];

const reverseParams: readonly Param[] = directionParams.map((param) =>
  SYMMETRIC.includes(param.name) ? { name: param.name, type: param.type, doc: param.doc } : param
);

const linkParams: readonly Param[] = [
  ...directionParams,
  {
    name: "reverse",
    type: object("direction", reverseParams),
    inherits: SYMMETRIC,
    default: {},
    doc: "What differs from right to left: rate, delay, overhead and queue are the same when absent, impairments none.",
  },
];

/** A host's own interface does not drop what its own TCP sends. */
const accessParams: readonly Param[] = linkParams.map((param) =>
  param.name === "queue" ? { ...param, default: { limit: "unlimited" } } : param
);

const pathLink: ObjectType = object("pathLink", [
  { name: "name", type: title, doc: "Name in results and captures; link0, link1, ... when absent." },
  ...linkParams,
]);

export const TOPOLOGIES: VariantsType = {
  is: "variants",
  name: "topology",
  noun: "topology",
  later: ["parking-lot", "star", "leaf-spine", "fat-tree", "graph"],
  variants: [
    {
      name: "dumbbell",
      source: "Floyd and Jacobson, 1991",
      doc: "Hosts on two sides of one shared link; base round-trip time 2 x (bottleneck + 2 x access).",
      params: [
        { name: "bottleneck", type: object("link", linkParams), required: true, doc: "The link all flows share." },
        {
          name: "access",
          type: object("accessLink", accessParams),
          required: true,
          doc: "The link of every host, on both sides; its queue has no limit unless given.",
        },
      ],
    },
    {
      name: "path",
      source: "two hosts",
      doc: "One pair of hosts and the links between them, from left to right.",
      params: [
        {
          name: "links",
          type: { is: "list", of: pathLink, least: 1, most: 64 },
          required: true,
          doc: "Links in order.",
        },
      ],
    },
  ],
};

// ---- TCP ---------------------------------------------------------------------------------------------------------

const connectionParams: readonly Param[] = [
  // With 28 bytes of SACK blocks there must be room for payload; 65535 less the headers is the most.
  {
    name: "mss",
    type: integer(64, 65483),
    default: 1448,
    doc: "Payload bytes of a full segment with timestamps on; IP takes 52 more.",
  },
  { name: "initialWindow", type: integer(1, 1000), default: 10, doc: "Initial window in segments, RFC 6928." },
  { name: "sack", type: flag, default: true, doc: "Selective acknowledgments, RFC 2018." },
  { name: "timestamps", type: flag, default: true, doc: "The timestamps option, RFC 7323." },
  { name: "windowScaling", type: flag, default: true, doc: "The window scale option, RFC 7323." },
  {
    name: "ecn",
    type: choice("ECN mode", ["off", "on", "accurate"], ["l4s"]),
    default: "off",
    doc: "Explicit congestion notification: RFC 3168, or RFC 9768's accurate feedback.",
  },
  {
    name: "delayedAck",
    type: flag,
    default: true,
    doc: "Acknowledge every second full segment, RFC 5681 §4.2, instead of every one.",
  },
  { name: "nagle", type: flag, default: true, doc: "Hold back small segments while data is in flight, RFC 1122." },
  { name: "sendBuffer", type: buffer, default: "4MiB", doc: "Bytes the sender can hold." },
  {
    name: "receiveBuffer",
    type: { is: "quantity", of: "bytes", min: 256, max: GiB, word: "auto" },
    default: "4MiB",
    doc: "Bytes the receiver can hold, which bound its window; auto: grown with what is read, as Linux does.",
  },
  { name: "minRto", type: rto, default: "200ms", rfc: "1s", doc: "Shortest RTO, RFC 6298 (2.4)." },
];

const runParams: readonly Param[] = [
  {
    name: "profile",
    type: choice("profile", ["linux", "rfc"]),
    default: "linux",
    doc: "Whose defaults the other fields take: Linux's, or the literal values of the RFCs.",
  },
  {
    name: "delayedAckTimeout",
    type: { is: "quantity", of: "time", min: US, max: S, word: "auto" },
    default: "auto",
    rfc: "500ms",
    doc: "Longest time an acknowledgment is delayed, RFC 5681 §4.2; auto: 40 ms to 200 ms, as arrivals are spaced.",
  },
  { name: "initialRto", type: rto, default: "1s", doc: "RTO before the first round-trip sample, RFC 6298 (2.1)." },
  { name: "maxRto", type: rto, default: "2min", rfc: "1min", doc: "Longest RTO, RFC 6298 (2.5)." },
  {
    name: "msl",
    type: { is: "quantity", of: "time", min: MS, max: HOUR },
    default: "30s",
    rfc: "2min",
    doc: "Maximum segment lifetime, RFC 9293 §3.4.2; TIME_WAIT lasts twice as long.",
  },
  { name: "finWait2Timeout", type: delay, default: "0s", doc: "How long FIN_WAIT_2 waits for the peer; 0 for ever." },
  {
    name: "synRetries",
    type: integer(0, 255),
    default: 6,
    rfc: 7,
    doc: "Retransmissions of a SYN before giving up; RFC 1122 §4.2.3.5 wants three minutes.",
  },
  {
    name: "dataRetries",
    type: integer(1, 255),
    default: 15,
    doc: "Retransmissions of a segment in a row before giving up, RFC 1122 §4.2.3.5.",
  },
  {
    name: "slowStartAfterIdle",
    type: flag,
    default: true,
    doc: "Let a window that was not used for an RTO shrink, RFC 5681 §4.1 and RFC 2861.",
  },
  {
    name: "pacing",
    type: flag,
    default: false,
    doc: "Space what is sent at twice cwnd / SRTT in slow start and 1.2 times that after, as Linux's fq does.",
  },
  {
    name: "tso",
    type: flag,
    default: false,
    doc: "Send in bursts of up to 64 KiB, sized by the pacing rate and held back to grow, as Linux does for TSO.",
  },
];

export const TCP: ObjectType = object("tcp", [...runParams, ...connectionParams]);

// ---- Flows and the scenario --------------------------------------------------------------------------------------

export const FLOW_GROUP: ObjectType = object("flowGroup", [
  { name: "name", type: title, doc: "Name in results; the congestion control's or the source's when absent." },
  { name: "count", type: integer(1), default: 1, doc: `How many flows; at most ${FLOWS_MAX} in all groups.` },
  { name: "from", type: choice("side", SIDES), doc: "The side that sends; the left one when absent." },
  { name: "to", type: choice("side", SIDES), doc: "The side that receives, always the other one." },
  {
    name: "cc",
    type: choice(
      "congestion control",
      CONGESTION_CONTROLS.map(({ name }) => name),
      ["bbr", "dctcp", "vegas", "ledbat", "highspeed", "prague", "westwood", "illinois", "hybla", "scalable"],
    ),
    default: "cubic",
    doc: "Congestion control of the sender.",
  },
  {
    name: "ccOptions",
    type: object("ccOptions", distinct(CONGESTION_CONTROLS.flatMap(({ params }) => params.map(optional)))),
    default: {},
    doc: "Parameters of the congestion control: those that `cwnd list cc` names for it.",
  },
  { name: "start", type: instant, default: "0s", doc: "When the first flow starts." },
  { name: "stagger", type: instant, default: "0s", doc: "Time between the starts of one flow and the next." },
  {
    name: "bytes",
    type: { is: "quantity", of: "bytes", min: 1, max: 1e15, word: "unlimited" },
    default: "unlimited",
    doc: "Payload to send before closing.",
  },
  { name: "stop", type: instant, doc: "When the application stops writing and closes; never when absent." },
  {
    name: "accessDelay",
    type: { is: "list", of: delay, least: 1, most: 100_000, orOne: true },
    default: "0s",
    doc: "Extra one-way delay at the sender's access link; flow k of the group takes entry k of a list, which repeats.",
  },
  { name: "read", type: rate, doc: "Rate at which the receiving application reads; at once when absent." },
  { name: "realBytes", type: flag, default: false, doc: "Carry bytes that the host writes and reads, not lengths." },
  { name: "app", type: SOURCES, doc: "Makes the group a source of datagrams without TCP." },
  {
    name: "tcp",
    type: object("flowTcp", connectionParams),
    doc: "Departures from the scenario's tcp.",
  },
]);

const SERIES = ["cwnd", "ssthresh", "srtt", "rto", "inflight", "throughput", "queue"] as const;

const RECORD: ObjectType = object("record", [
  {
    name: "interval",
    type: { is: "quantity", of: "time", min: US, max: TIME_MAX },
    doc: "Time between samples; 100ms when absent.",
  },
  {
    name: "series",
    type: { is: "list", of: choice("series", SERIES), least: 0, most: SERIES.length },
    doc: "What to sample; when absent nothing, or cwnd, srtt, throughput and queue if there is an interval.",
  },
  { name: "percentiles", type: flag, default: false, doc: "Keep a histogram of round-trip times a connection." },
  {
    name: "capture",
    type: { is: "list", of: title, least: 1, most: 255 },
    doc:
      "Links to capture, both directions: bottleneck, or left3 and right3 for the hosts of flow 3; on a path by name.",
  },
]);

export const SCENARIO: ObjectType = object("scenario", [
  { name: "$schema", type: { is: "text", least: 0, most: 1000 }, doc: "Where editors find the JSON Schema." },
  { name: "name", type: title, default: "scenario", doc: "Title of the run." },
  { name: "seed", type: { is: "text", least: 1, most: 200 }, default: "1", doc: "Seed of all random streams." },
  {
    name: "duration",
    type: { is: "quantity", of: "time", min: 1, max: TIME_MAX },
    default: "10s",
    doc: "Simulated time, at most 100 days.",
  },
  { name: "warmup", type: instant, default: "0s", doc: "Time at the start that averages leave out." },
  { name: "topology", type: TOPOLOGIES, required: true, doc: "Hosts and links." },
  {
    name: "flows",
    type: { is: "list", of: FLOW_GROUP, least: 1, most: 100_000 },
    required: true,
    doc: "Groups of flows.",
  },
  { name: "tcp", type: TCP, default: {}, doc: "TCP parameters of every flow." },
  { name: "record", type: RECORD, default: {}, doc: "Which series and captures to keep." },
]);

const LATER = "not in this version";

/** Fields that people may look for where they are not. */
export const REFUSALS: Refusals = {
  scenario: { sweep: LATER },
  link: { trace: LATER },
  accessLink: { trace: LATER },
  pathLink: { trace: LATER },
  direction: { trace: LATER },
  queue: { ecn: LATER },
  flowGroup: { arrivals: LATER, sizes: LATER },
  // The core keeps these once for the run.
  flowTcp: Object.fromEntries(runParams.map(({ name }) => [name, `applies to the whole run, set it as tcp.${name}`])),
};

/** Series when only an interval is given, and the interval when only series are. */
export const SAMPLED = { series: ["cwnd", "srtt", "throughput", "queue"], interval_ns: 100 * MS } as const;

/** Room for samples, bytes; a sample takes eight. */
export const SAMPLES_BYTES_MAX = GiB;
