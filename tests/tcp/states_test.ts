/**
 * The state diagram, RFC 9293 figure 5 with the tables of §3.10: every state meets every event. A row says the state
 * that follows and what is sent; `-` leaves both as they were.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { connected, lone, type Tcp } from "./harness.ts";

const STATES = [
  "CLOSED",
  "LISTEN",
  "SYN_SENT",
  "SYN_RECEIVED",
  "ESTABLISHED",
  "FIN_WAIT_1",
  "FIN_WAIT_2",
  "CLOSE_WAIT",
  "CLOSING",
  "LAST_ACK",
  "TIME_WAIT",
] as const;
type StateName = typeof STATES[number];

/** The way to each state. SND.NXT is 1, or 2 behind the FIN; RCV.NXT likewise. */
async function reach(state: StateName): Promise<Tcp> {
  const opened: StateName[] = ["CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED"];
  const tcp = opened.includes(state) ? await lone({ reads: false }) : await connected({ reads: false });
  switch (state) {
    case "LISTEN":
      tcp.listens();
      break;
    case "SYN_SENT":
      tcp.opens();
      break;
    case "SYN_RECEIVED":
      tcp.listens();
      tcp.receives({ flags: "S", mss: 1460 });
      break;
    case "FIN_WAIT_1":
      tcp.closes();
      break;
    case "FIN_WAIT_2":
      tcp.closes();
      tcp.receives();
      break;
    case "CLOSE_WAIT":
      tcp.receives({ flags: "FA" });
      break;
    case "CLOSING":
      tcp.closes();
      tcp.receives({ flags: "FA", ack: 1 });
      break;
    case "LAST_ACK":
      tcp.receives({ flags: "FA" });
      tcp.closes();
      break;
    case "TIME_WAIT":
      tcp.closes();
      tcp.receives({ flags: "FA" });
      break;
  }
  assert.equal(tcp.state, state);
  tcp.segments();
  return tcp;
}

/** SND.NXT and RCV.NXT in each synchronised state. */
const SND_NXT = { ESTABLISHED: 1, FIN_WAIT_1: 2, FIN_WAIT_2: 2, CLOSE_WAIT: 1, CLOSING: 2, LAST_ACK: 2, TIME_WAIT: 2 };
const RCV_NXT = { ESTABLISHED: 1, FIN_WAIT_1: 1, FIN_WAIT_2: 1, CLOSE_WAIT: 2, CLOSING: 2, LAST_ACK: 2, TIME_WAIT: 2 };
type Synchronised = keyof typeof SND_NXT;

/** What a synchronised state sends to tell where it stands. */
function standing(state: StateName): string[] {
  if (state === "SYN_RECEIVED") return ["A 1 ack 1"];
  return [`A ${SND_NXT[state as Synchronised]} ack ${RCV_NXT[state as Synchronised]}`];
}

type Outcome = "-" | "ack" | [StateName, ...string[]];
type Row = Record<StateName, Outcome>;

interface Event {
  name: string;
  happens: (tcp: Tcp) => void;
  row: Row;
}

const still: Row = Object.fromEntries(STATES.map((state) => [state, "-"])) as Row;
const acked: Row = {
  ...Object.fromEntries(STATES.map((state) => [state, "ack"])) as Row,
  CLOSED: "-",
  LISTEN: "-",
  SYN_SENT: "-",
};

const EVENTS: Event[] = [
  // ---- §3.10.1 to §3.10.5: the user's calls
  {
    name: "OPEN, active",
    happens: (tcp) => tcp.opens(),
    row: { ...still, CLOSED: ["SYN_SENT", "S 0"], LISTEN: ["SYN_SENT", "S 0"] },
  },
  {
    name: "OPEN, passive",
    happens: (tcp) => tcp.listens(),
    row: { ...still, CLOSED: ["LISTEN"] },
  },
  {
    name: "SEND of 10 bytes",
    happens: (tcp) => tcp.writes(10),
    row: { ...still, ESTABLISHED: ["ESTABLISHED", "PA 1:11 ack 1"], CLOSE_WAIT: ["CLOSE_WAIT", "PA 1:11 ack 2"] },
  },
  {
    name: "RECEIVE with nothing there",
    happens: (tcp) => assert.equal(tcp.reads(10), 0),
    row: still,
  },
  {
    name: "CLOSE",
    happens: (tcp) => tcp.closes(),
    row: {
      ...still,
      LISTEN: ["CLOSED"],
      SYN_SENT: ["CLOSED"],
      SYN_RECEIVED: ["FIN_WAIT_1", "FA 1 ack 1"],
      ESTABLISHED: ["FIN_WAIT_1", "FA 1 ack 1"],
      CLOSE_WAIT: ["LAST_ACK", "FA 1 ack 2"],
    },
  },
  {
    name: "ABORT",
    happens: (tcp) => tcp.aborts(),
    row: {
      CLOSED: "-",
      LISTEN: ["CLOSED"],
      SYN_SENT: ["CLOSED"],
      SYN_RECEIVED: ["CLOSED", "RA 1 ack 1"],
      ESTABLISHED: ["CLOSED", "RA 1 ack 1"],
      FIN_WAIT_1: ["CLOSED", "RA 2 ack 1"],
      FIN_WAIT_2: ["CLOSED", "RA 2 ack 1"],
      CLOSE_WAIT: ["CLOSED", "RA 1 ack 2"],
      CLOSING: ["CLOSED"],
      LAST_ACK: ["CLOSED"],
      TIME_WAIT: ["CLOSED"],
    },
  },

  // ---- §3.10.7: segments
  {
    name: "RST at RCV.NXT",
    happens: (tcp) => tcp.receives({ flags: "R", seq: Math.max(0, tcp.rcvNxt) }),
    row: {
      CLOSED: "-",
      LISTEN: "-",
      SYN_SENT: "-",
      SYN_RECEIVED: ["LISTEN"],
      ESTABLISHED: ["CLOSED"],
      FIN_WAIT_1: ["CLOSED"],
      FIN_WAIT_2: ["CLOSED"],
      CLOSE_WAIT: ["CLOSED"],
      CLOSING: ["CLOSED"],
      LAST_ACK: ["CLOSED"],
      // RFC 1337's hazard, which Linux takes unless told not to
      TIME_WAIT: ["CLOSED"],
    },
  },
  {
    name: "RST elsewhere in the window (RFC 5961 §3.2)",
    happens: (tcp) => tcp.receives({ flags: "R", seq: tcp.rcvNxt + 100 }),
    // A listener's handshake is given up by any reset in the window, as in Linux
    row: { ...acked, SYN_RECEIVED: ["LISTEN"], TIME_WAIT: "-" },
  },
  {
    name: "RST outside the window",
    happens: (tcp) => tcp.receives({ flags: "R", seq: tcp.rcvNxt + 100_000 }),
    row: still,
  },
  {
    name: "SYN in the window (RFC 5961 §4.2)",
    happens: (tcp) => tcp.receives({ flags: "S", seq: tcp.rcvNxt + 100 }),
    row: {
      ...acked,
      CLOSED: ["CLOSED", "RA"],
      LISTEN: ["SYN_RECEIVED", "SA 0 ack"],
      SYN_SENT: ["SYN_RECEIVED", "SA 0 ack"],
      SYN_RECEIVED: ["LISTEN", "RA"],
      // RFC 6191: newer than all that the old connection sent, but this end did not open passively
      TIME_WAIT: "ack",
    },
  },
  {
    name: "SYN before the window",
    happens: (tcp) => tcp.receives({ flags: "S", seq: tcp.rcvNxt - 5000 }),
    row: {
      ...acked,
      CLOSED: ["CLOSED", "RA"],
      LISTEN: ["SYN_RECEIVED", "SA 0 ack"],
      SYN_SENT: ["SYN_RECEIVED", "SA 0 ack"],
    },
  },
  {
    name: "SYN-ACK of our SYN",
    happens: (tcp) => tcp.receives({ flags: "SA", seq: 0, ack: 1 }),
    row: {
      ...acked,
      CLOSED: ["CLOSED", "R"],
      LISTEN: ["LISTEN", "R"],
      SYN_SENT: ["ESTABLISHED", "A 1 ack 1"],
      SYN_RECEIVED: ["SYN_RECEIVED", "A 1 ack 1"],
    },
  },
  {
    name: "ACK of all that was sent",
    happens: (tcp) => tcp.receives({ ack: Math.max(1, tcp.sndNxt) }),
    row: {
      ...still,
      CLOSED: ["CLOSED", "R"],
      LISTEN: ["LISTEN", "R"],
      SYN_RECEIVED: ["ESTABLISHED"],
      FIN_WAIT_1: ["FIN_WAIT_2"],
      CLOSING: ["TIME_WAIT"],
      LAST_ACK: ["CLOSED"],
    },
  },
  {
    name: "ACK of nothing new",
    happens: (tcp) => tcp.receives({ ack: 1 }),
    row: {
      ...still,
      CLOSED: ["CLOSED", "R"],
      LISTEN: ["LISTEN", "R"],
      SYN_RECEIVED: ["ESTABLISHED"],
    },
  },
  {
    name: "ACK of what was never sent",
    happens: (tcp) => tcp.receives({ ack: tcp.sndNxt + 1000 }),
    row: {
      ...acked,
      CLOSED: ["CLOSED", "R"],
      LISTEN: ["LISTEN", "R"],
      SYN_SENT: ["SYN_SENT", "R 1001"],
      SYN_RECEIVED: ["SYN_RECEIVED", "R 1001"],
      TIME_WAIT: "-",
    },
  },
  {
    name: "text without ACK",
    happens: (tcp) => tcp.receives({ flags: "P", seq: tcp.rcvNxt, len: 10 }),
    row: { ...still, CLOSED: ["CLOSED", "RA"], TIME_WAIT: "ack" },
  },
  {
    name: "text twice as large as one segment, in order",
    happens: (tcp) => {
      tcp.receives({ len: 10, ack: 1, seq: tcp.rcvNxt });
      tcp.receives({ len: 10, ack: 1, seq: tcp.rcvNxt });
    },
    row: {
      ...acked,
      CLOSED: ["CLOSED", "R", "R"],
      LISTEN: ["LISTEN", "R", "R"],
      SYN_SENT: "-",
      // Quick ACKs at the start
      SYN_RECEIVED: ["ESTABLISHED", "A 1 ack 11", "A 1 ack 21"],
      ESTABLISHED: ["ESTABLISHED", "A 1 ack 11", "A 1 ack 21"],
      FIN_WAIT_1: ["FIN_WAIT_1", "A 2 ack 11", "A 2 ack 21"],
      FIN_WAIT_2: ["FIN_WAIT_2", "A 2 ack 11", "A 2 ack 21"],
      // After the peer's FIN no text can be new: Linux ignores it
      CLOSE_WAIT: "-",
      CLOSING: "-",
      LAST_ACK: "-",
      TIME_WAIT: ["TIME_WAIT", "A 2 ack 2", "A 2 ack 2"],
    },
  },
  {
    name: "text beyond the window",
    happens: (tcp) => tcp.receives({ len: 10, ack: 1, seq: tcp.rcvNxt + 100_000 }),
    row: { ...acked, CLOSED: ["CLOSED", "R"], LISTEN: ["LISTEN", "R"] },
  },
  {
    name: "FIN in order, our FIN not acknowledged",
    happens: (tcp) => tcp.receives({ flags: "FA", ack: 1, seq: tcp.rcvNxt }),
    row: {
      ...acked,
      CLOSED: ["CLOSED", "R"],
      LISTEN: ["LISTEN", "R"],
      SYN_SENT: "-",
      SYN_RECEIVED: ["CLOSE_WAIT", "A 1 ack 2"],
      ESTABLISHED: ["CLOSE_WAIT", "A 1 ack 2"],
      FIN_WAIT_1: ["CLOSING", "A 2 ack 2"],
      FIN_WAIT_2: ["TIME_WAIT", "A 2 ack 2"],
      // A second FIN behind the first
      CLOSE_WAIT: "-",
      CLOSING: "-",
      LAST_ACK: "-",
    },
  },
  {
    name: "FIN in order that acknowledges all",
    happens: (tcp) => tcp.receives({ flags: "FA", ack: Math.max(1, tcp.sndNxt), seq: tcp.rcvNxt }),
    row: {
      ...acked,
      CLOSED: ["CLOSED", "R"],
      LISTEN: ["LISTEN", "R"],
      SYN_SENT: "-",
      SYN_RECEIVED: ["CLOSE_WAIT", "A 1 ack 2"],
      ESTABLISHED: ["CLOSE_WAIT", "A 1 ack 2"],
      FIN_WAIT_1: ["TIME_WAIT", "A 2 ack 2"],
      FIN_WAIT_2: ["TIME_WAIT", "A 2 ack 2"],
      CLOSE_WAIT: "-",
      CLOSING: ["TIME_WAIT"],
      LAST_ACK: ["CLOSED"],
    },
  },
  {
    name: "the peer's FIN again",
    happens: (tcp) => tcp.receives({ flags: "FA", ack: 1, seq: tcp.rcvNxt - 1 }),
    row: { ...acked, CLOSED: ["CLOSED", "R"], LISTEN: ["LISTEN", "R"] },
  },

  // ---- §3.10.8: time-outs
  {
    name: "the next deadline passes",
    happens: (tcp) => tcp.passesToNextDeadline(),
    row: {
      ...still,
      SYN_SENT: ["SYN_SENT", "S 0"],
      SYN_RECEIVED: ["SYN_RECEIVED", "SA 0 ack 1"],
      FIN_WAIT_1: ["FIN_WAIT_1", "FA 1 ack 1"],
      CLOSING: ["CLOSING", "FA 1 ack 2"],
      LAST_ACK: ["LAST_ACK", "FA 1 ack 2"],
      TIME_WAIT: ["CLOSED"],
    },
  },
];

for (const { name, happens, row } of EVENTS) {
  for (const state of STATES) {
    const outcome = row[state];
    const [next, ...sends] = outcome === "-" ? [state] : outcome === "ack" ? [state, ...standing(state)] : outcome;
    test(`states: ${state}, ${name}: ${[next, ...sends].join(", ")}`, async () => {
      const tcp = await reach(state);
      happens(tcp);
      assert.equal(tcp.state, next);
      const sent = tcp.sends();
      assert.equal(sent.length, sends.length, `sent ${sent}`);
      // A row may leave out numbers that are the event's and not the state's
      sent.forEach((line, index) => assert.ok(line.startsWith(sends[index]), `sent ${line}, expected ${sends[index]}`));
    });
  }
}
