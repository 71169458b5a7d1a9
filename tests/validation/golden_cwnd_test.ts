/**
 * Golden traces of the window: every change of it, of ssthresh and of the sender's state, compared exactly. They say
 * nothing of what is right, only that nothing changed; rewritten on purpose with `UPDATE_GOLDEN=1 deno test -A tests/`,
 * and the difference is reviewed like code.
 */
import { test } from "node:test";
import { Engine } from "../../src/core/engine.ts";
import { CA_STATE_NAMES, Engine as EngineLayout, RunStatus, Tcb } from "../../src/core/layout.gen.ts";
import type { Loss, PathLink, Scenario } from "../../src/mod.ts";
import { compile } from "../../src/scenario/compile.ts";
import { normalize } from "../../src/scenario/normalize.ts";
import { matchGolden } from "../report/golden.ts";

interface Trace {
  name: string;
  what: string;
  link: Partial<PathLink>;
  duration: string;
  /** CUBIC leaves slow start by itself; where it does not, the trace shows what a loss does. */
  hystart?: boolean;
}

const LIST = (packets: number[]): { loss: Loss } => ({ loss: { kind: "list", packets } });
const UNLIMITED = { queue: { limit: "unlimited" } };

const TRACES: Trace[] = [
  {
    name: "one-loss",
    what: "Slow start, one loss, the way back",
    link: { ...UNLIMITED, ...LIST([100]) },
    duration: "6s",
  },
  {
    name: "periodic-loss",
    what: "A loss every 200 packets",
    link: { ...UNLIMITED, loss: { kind: "periodic", every: 200 } },
    duration: "4s",
  },
  { name: "droptail", what: "The sawtooth of a full queue", link: { queue: { limit: "1bdp" } }, duration: "6s" },
  {
    name: "rto",
    what: "A window and its first retransmission lost: the timer goes off twice, then slow start",
    // The second window of twenty, then what the timer sends
    link: { ...UNLIMITED, ...LIST(Array.from({ length: 21 }, (_, k) => 11 + k)) },
    duration: "6s",
  },
];

const HYSTART: Trace = {
  name: "hystart",
  what: "HyStart leaves slow start when the queue has grown",
  link: UNLIMITED,
  duration: "6s",
  hystart: true,
};

function scenario(cc: string, { link, duration, hystart = false }: Trace): Scenario {
  return {
    duration,
    topology: { kind: "path", links: [{ rate: "10Mbps", delay: "20ms", ...link }] },
    flows: [{ cc, ...(cc === "cubic" ? { ccOptions: { hystart } } : {}) }],
    tcp: { receiveBuffer: "1MB", sendBuffer: "1MB" },
  };
}

/** Milliseconds, cwnd, ssthresh (null while there is none) and state, a line for each change. */
async function trace(cc: string, { what, ...rest }: Trace): Promise<string> {
  const spec = normalize(scenario(cc, { what, ...rest }));
  const engine = await Engine.load();
  const { a } = compile(engine, spec, false, false).flows[0];
  const lines: string[] = [];
  let last = "";
  const until = BigInt(spec.duration_ns);
  while (engine.exports.run(until, 1) !== RunStatus.DONE) {
    // No window before the connection is open
    if (engine.get(a, Tcb.cwnd) === 0) continue;
    const ssthresh = engine.get(a, Tcb.ssthresh);
    const values = [
      engine.get(a, Tcb.cwnd),
      ssthresh >= 0x7fffffff ? null : ssthresh,
      CA_STATE_NAMES[engine.get(a, Tcb.ca_state)],
    ];
    const text = JSON.stringify(values).slice(1);
    if (text === last) continue;
    last = text;
    lines.push(`    [${engine.get(engine.root, EngineLayout.now) / 1e6},${text}`);
  }
  const columns = JSON.stringify(["time_ms", "cwnd", "ssthresh", "ca_state"]);
  const rows = lines.join(",\n");
  return `{\n  "what": ${
    JSON.stringify(what)
  },\n  "cc": "${cc}",\n  "columns": ${columns},\n  "rows": [\n${rows}\n  ]\n}\n`;
}

for (const cc of ["reno", "cubic"]) {
  for (const one of cc === "cubic" ? [...TRACES, HYSTART] : TRACES) {
    test(`golden: the window of ${cc}, ${one.name}`, async () => {
      matchGolden(`cwnd-${cc}-${one.name}.json`, await trace(cc, one));
    });
  }
}
