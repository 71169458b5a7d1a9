/**
 * Gates: where packets wait for a link that many feed, in the order in which they will come to it.
 *
 * A packet's arrival there is known when it is sent over the link before, which takes it at least that link's delay. So
 * whatever comes within so long from now is known now, and need not be an event each. A gate sorts packets into slots no
 * longer than that delay; at the beginning of a slot all that comes in it is passed over the link, one behind the other,
 * each at its own time. (Simulators that run in parallel call the delay their lookahead: Chandy and Misra, 1979.) Nobody
 * sees more of the link than has happened: a run that ends within a slot leaves the rest of it to the next.
 */
import { EventKind } from "../layout/enums";
import { Gate, Link, LinkExt, Route } from "../layout/link";
import { Event, Segment } from "../layout/segment";
import { reserve } from "../base/arena";
import { giveEvent, takeEvent } from "../base/pool";
import { engine } from "../base/root";
import { addEntry, chunkOf, ENTRY, giveChunk } from "./chunks";
import { schedule } from "./event_queue";
import { forward, headWord } from "./link";
import { mixed } from "./digest";

const SLOTS: u32 = 256;
/** A slot in time order: spread over places as the event queue's open bucket is. */
const PLACE_BITS: u32 = 8;
const PLACES: u32 = 1 << PLACE_BITS;
const HEADS: usize = memory.data(1024, 64);
const BITS: usize = memory.data(32, 8);

/** A slot lasts so many full packets of the link, if the delay before it lets it. */
const SLOT_PACKETS: u64 = 128;
const PACKET_BYTES: u64 = 1500;
/** log2 of the shortest slot, nanoseconds, and of the shortest one of a fast link. */
const SHIFT_MIN: u32 = 16;
const SHIFT_FAST: u32 = 17;

/**
 * Builds a gate in front of a link. `lookahead_ns` is the shortest delay of all links that feed it, and no route begins at
 * it. A link whose feeders are too near does without.
 */
export function addGate(address: u32, lookahead_ns: u64): void {
  const link = changetype<Link>(<usize>address);
  const ext = changetype<LinkExt>(<usize>link.ext);
  if (lookahead_ns >> SHIFT_MIN == 0) return;
  const packets = max((SLOT_PACKETS * PACKET_BYTES * link.ns_per_byte_q20) >> 20, <u64>1 << SHIFT_FAST);
  const gate = changetype<Gate>(reserve(offsetof<Gate>()));
  gate.shift = 63 - <u32>clz(min(packets, lookahead_ns));
  gate.slots = <u32>reserve(SLOTS << 2);
  gate.next = engine().gates;
  engine().gates = <u32>changetype<usize>(gate);
  ext.gate = <u32>changetype<usize>(gate);
}

/** A packet will come to the gate's link at `time`. */
@inline
export function gather(gate: Gate, segment: Segment, time: u64): void {
  const e = engine();
  segment.time = time;
  const slot = time >> gate.shift;
  if (slot - (e.now >> gate.shift) >= SLOTS) {
    waitFor(segment, slot, gate);
    return;
  }
  const at = slotAt(gate, slot);
  const list = load<u32>(at);
  if (!list) schedule(takeEvent(EventKind.GATE, <u32>changetype<usize>(gate)), slot << gate.shift);
  store<u32>(at, addEntry(e, list, <u32>changetype<usize>(segment), time));
}

@inline
function slotAt(gate: Gate, slot: u64): usize {
  return <usize>(gate.slots + (((<u32>slot) & (SLOTS - 1)) << 2));
}

/** A packet is further ahead than there are slots. */
function waitFor(segment: Segment, slot: u64, gate: Gate): void {
  const event = takeEvent(EventKind.GATE_WAIT, <u32>changetype<usize>(segment));
  schedule(event, (slot - (SLOTS >> 1)) << gate.shift);
}

/** Its slot is there now. */
export function waitEnds(event: Event): void {
  const segment = changetype<Segment>(<usize>event.target);
  giveEvent(event);
  const entry = load<u32>(<usize>segment.target + ((<usize>segment.hop) << 2), offsetof<Route>());
  const link = changetype<Link>(<usize>entry);
  gather(changetype<Gate>(<usize>changetype<LinkExt>(<usize>link.ext).gate), segment, segment.time);
}

/** A slot begins: what comes in it, up to `until`, passes the link. */
export function gateOpens(event: Event, until: u64): void {
  const gate = changetype<Gate>(<usize>event.target);
  const slot = event.time >> gate.shift;
  giveEvent(event);
  pass(gate, slot, until);
}

/** What the last run left of slots that it ended in. */
export function passRest(until: u64): void {
  for (let gate = changetype<Gate>(<usize>engine().gates); gate; gate = changetype<Gate>(<usize>gate.next)) {
    if (gate.cut) pass(gate, gate.cut - 1, until);
  }
}

function pass(gate: Gate, slot: u64, until: u64): void {
  const e = engine();
  const at = slotAt(gate, slot);
  spread(gate, load<u32>(at));
  let rest: u32 = 0;
  let digest = gate.digest;
  let passed: u32 = 0;
  for (let word = BITS; word < BITS + PLACES / 8; word += 8) {
    let bits = load<u64>(word);
    store<u64>(word, 0);
    while (bits) {
      let next = load<u32>(HEADS + ((word - BITS) << 5) + (<usize>ctz(bits) << 2));
      bits &= bits - 1;
      do {
        const segment = changetype<Segment>(<usize>next);
        const time = segment.time;
        next = segment.next;
        if (time > until) {
          rest = addEntry(e, rest, <u32>changetype<usize>(segment), time);
          continue;
        }
        const head = headWord(changetype<usize>(segment));
        digest = mixed(digest, time, <u32>head, load<u64>(changetype<usize>(segment), offsetof<Segment>("seq")));
        passed++;
        forward(segment, head, time);
      } while (next);
    }
  }
  gate.digest = digest;
  e.events += passed;
  gate.cut = rest ? slot + 1 : 0;
  store<u32>(at, rest);
}

/** Spreads a list over the places, in the order of their times. */
function spread(gate: Gate, list: u32): void {
  const e = engine();
  const shift = gate.shift - PLACE_BITS;
  do {
    const chunk = chunkOf(list);
    do {
      list -= ENTRY;
      const entry = load<u64>(<usize>list);
      const place = (<u32>(entry >> 32) >> shift) & (PLACES - 1);
      const at = HEADS + ((<usize>place) << 2);
      const word = BITS + ((<usize>place >> 6) << 3);
      const bits = load<u64>(word);
      const bit = (<u64>1) << (place & 63);
      const segment = changetype<Segment>(<usize>(<u32>entry));
      if (bits & bit) {
        insertOlder(at, segment);
      } else {
        store<u64>(word, bits | bit);
        store<u32>(at, <u32>entry);
        segment.next = 0;
      }
    } while (list != chunk + ENTRY);
    list = load<u32>(<usize>chunk);
    giveChunk(e, chunk);
  } while (list);
}

/** Into the list of a place, before all that are not earlier: of one instant, who was sent first comes first. */
function insertOlder(head: usize, segment: Segment): void {
  let behind = head;
  let next = load<u32>(head);
  while (next != 0 && changetype<Segment>(<usize>next).time < segment.time) {
    behind = <usize>next + offsetof<Segment>("next");
    next = load<u32>(behind);
  }
  segment.next = next;
  store<u32>(behind, <u32>changetype<usize>(segment));
}
