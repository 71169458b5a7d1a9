/**
 * Whole runs as tshark sees them. What the engine says it sent must be what tshark's own analysis finds in a capture at
 * the host that sends, where every transmission is seen; `docs/adr/0005-capture.md` says what tshark can count there.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FlowResult, type Path, type Scenario, simulate } from "../../src/mod.ts";
import { testSeed } from "../wire/random.ts";
import { concat } from "./records.ts";
import { needsTshark, tshark } from "./tshark.ts";

const FLOWS = 20;
/** The last segment is not of one byte: that would look like a keep-alive when it is sent again. */
const BYTES = 300 * 1448 + 700;

/** Each host has a lossless link; the one between them is too slow and drops. */
const SCENARIO: Scenario = {
  seed: String(testSeed()),
  duration: "120s",
  topology: {
    kind: "path",
    links: [
      { name: "client", rate: "1Gbps", delay: "1ms" },
      {
        name: "wan",
        rate: "20Mbps",
        delay: "10ms",
        queue: { kind: "droptail", limit: "50pkt" },
        loss: { kind: "bernoulli", p: 0.02 },
        reverse: { loss: { kind: "bernoulli", p: 0.02 } },
      },
      { name: "server", rate: "1Gbps", delay: "1ms" },
    ],
  },
  flows: [{ count: FLOWS, stagger: "100ms", bytes: BYTES }],
};

/** What one end of a connection sent. */
interface Sent {
  packets: number;
  /** Packets that repeat what was sent before. */
  retransmissions: number;
  /** First transmissions. */
  syn: number;
  fin: number;
  rst: number;
  data: number;
  bytes: number;
}

interface Run {
  digest: string;
  flows: FlowResult[];
  /** What the host beside the captured link sent, by stream. */
  sent: Sent[];
}

const FIELDS = [
  "tcp.stream",
  "ip.src",
  "tcp.len",
  "tcp.flags.syn",
  "tcp.flags.fin",
  "tcp.flags.reset",
  "tcp.analysis.retransmission",
  "tcp.analysis.out_of_order",
  "ip.checksum.status",
  "tcp.checksum.status",
  "_ws.malformed",
];
const BAD_CHECKSUM = "0";

/** Runs a scenario with a capture at one host's link; tshark counts what that host sent. */
async function runCaptured(scenario: Scenario, host: "client" | "server"): Promise<Run> {
  const chunks: Uint8Array[] = [];
  const { digest, flows } = await simulate(
    { ...scenario, record: { capture: [host] } },
    { capture: (bytes) => chunks.push(bytes) },
  );
  const sent: Sent[] = [];
  const clients: string[] = [];
  for (const row of tshark(concat(chunks), FIELDS)) {
    const [stream, source, length, syn, fin, rst, retransmission, outOfOrder, ipChecksum, tcpChecksum, malformed] = row;
    assert.equal(malformed, "");
    assert.notEqual(ipChecksum, BAD_CHECKSUM);
    assert.notEqual(tcpChecksum, BAD_CHECKSUM);
    const id = Number(stream);
    clients[id] ??= source; // the first packet of a stream is the client's SYN
    if ((source === clients[id]) !== (host === "client")) continue;
    const end = sent[id] ??= { packets: 0, retransmissions: 0, syn: 0, fin: 0, rst: 0, data: 0, bytes: 0 };
    end.packets++;
    // A sender's own link reorders nothing: what tshark takes for out of order, by its timing, was sent again.
    if (retransmission !== "" || outOfOrder !== "") {
      end.retransmissions++;
      continue;
    }
    end.syn += Number(syn);
    end.fin += Number(fin);
    end.rst += Number(rst);
    end.data += Number(length) > 0 ? 1 : 0;
    end.bytes += Number(length);
  }
  return { digest, flows, sent };
}

/** Streams are numbered by their first packet, and the flows start one after the other. */
async function assertAgreement(scenario: Scenario, segmentBytes: number): Promise<void> {
  const { digest, flows, sent } = await runCaptured(scenario, "client");
  assert.equal(sent.length, FLOWS);
  for (const { id, bytes_acked, segments_sent, retransmits } of flows) {
    assert.equal(bytes_acked, BYTES, `flow ${id}, seed ${SCENARIO.seed}: did not complete`);
    assert.deepEqual(sent[id], {
      packets: segments_sent,
      retransmissions: retransmits,
      syn: 1,
      fin: 1,
      rst: 0,
      data: Math.ceil(BYTES / segmentBytes),
      bytes: BYTES,
    }, `flow ${id}, seed ${SCENARIO.seed}`);
  }
  assert.ok(flows.reduce((sum, { retransmits }) => sum + retransmits, 0) > 5 * FLOWS, "not much was lost");

  const servers = await runCaptured(scenario, "server");
  assert.equal(servers.digest, digest, "a run is the same wherever it is captured");
  assert.equal(servers.sent.length, FLOWS);
  servers.sent.forEach(({ syn, fin, data }, id) => {
    assert.deepEqual({ syn, fin, data }, { syn: 1, fin: 1, data: 0 }, `server of flow ${id}, seed ${SCENARIO.seed}`);
  });
}

test("tshark: counts what the engine counts, with SACK and timestamps", needsTshark(), async () => {
  await assertAgreement(SCENARIO, 1448);
});

test("tshark: counts what the engine counts, without SACK", needsTshark(), async () => {
  await assertAgreement({ ...SCENARIO, tcp: { sack: false } }, 1448);
});

test("tshark: counts what the engine counts, without timestamps and window scaling", needsTshark(), async () => {
  await assertAgreement({ ...SCENARIO, tcp: { timestamps: false, windowScaling: false } }, 1460);
});

test("tshark: counts what the engine counts, under reordering and duplication", needsTshark(), async () => {
  const { links } = SCENARIO.topology as Path;
  const impaired = { reorder: { p: 0.02, delay: "5ms" }, duplicate: { p: 0.02 } };
  const wan = { ...links[1], ...impaired, reverse: { ...links[1].reverse, ...impaired } };
  await assertAgreement({ ...SCENARIO, topology: { kind: "path", links: [links[0], wan, links[2]] } }, 1448);
});
