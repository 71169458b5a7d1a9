/**
 * Gates: where packets wait for a link that many feed, or for the hosts behind it, in the order in which they will come.
 *
 * When a packet comes there is known when it is sent over the link before, which takes it at least that link's delay. So
 * whatever comes within so long from now is known now, and need not be an event each. A gate sorts packets into slots no
 * longer than that delay; at the beginning of a slot all that comes in it passes, one behind the other, each at its own
 * time. (Simulators that run in parallel call the delay their lookahead: Chandy and Misra, 1979.) What passes to a
 * connection finds the connection's own deadlines met up to then; who builds a gate in front of hosts sees to it that
 * nothing else happens to them at a time of its own.
 *
 * Nobody sees more than has happened: a run that ends within a slot leaves the rest of it to the next.
 */
import { EventKind } from "../layout/enums";
import { Gate, Link, LinkExt } from "../layout/link";
import { Event, Segment } from "../layout/segment";
import { reserve } from "../base/arena";
import { giveEvent, takeEvent } from "../base/pool";
import { engine } from "../base/root";
import { addEntry, chunkOf, ENTRY, giveChunk } from "./chunks";
import { schedule } from "./event_queue";
import { mixed } from "./digest";
import { deliverAhead } from "./host";
import { forwardHere, headWord } from "./link";

/** log2 of how far ahead a gate has slots, about a second; a packet that comes later is an event until then. */
const AHEAD_BITS: u32 = 30;
/** log2 of the longest slot. */
const SHIFT_MAX: u32 = 24;
/** A slot in time order: spread over places as the event queue's open bucket is. */
const PLACE_BITS: u32 = 8;
const PLACES: u32 = 1 << PLACE_BITS;
const HEADS: usize = memory.data(PLACES * 4, 64);
const BITS: usize = memory.data(PLACES / 8, 8);

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
  const packets = max((SLOT_PACKETS * PACKET_BYTES * link.ns_per_byte_q20) >> 20, (<u64>1) << SHIFT_FAST);
  ext.gate = newGate(min(63 - <u32>clz(min(packets, lookahead_ns)), SHIFT_MAX), 0);
}

/** Builds a gate in front of the hosts behind a link that has one; its address, 0 when the link has none. */
export function addHostGate(address: u32): usize {
  const link = changetype<Link>(<usize>address);
  const gate = changetype<LinkExt>(<usize>link.ext).gate;
  // They are known when they pass the link
  if (!gate || link.delay_ns >> SHIFT_MIN == 0) return 0;
  return newGate(min(changetype<Gate>(<usize>gate).shift, 63 - <u32>clz(link.delay_ns)), 1);
}

function newGate(shift: u32, hosts: u32): u32 {
  const gate = changetype<Gate>(reserve(offsetof<Gate>()));
  gate.shift = shift;
  gate.hosts = hosts;
  gate.mask = (1 << (AHEAD_BITS - shift)) - 1;
  gate.slots = <u32>reserve((<u64>4) << (AHEAD_BITS - shift));
  gate.next = engine().gates;
  engine().gates = <u32>changetype<usize>(gate);
  return <u32>changetype<usize>(gate);
}

/** A packet will come at `time`, so long after it was sent over the link before. */
@inline
export function gatherHere(gate: Gate, segment: Segment, time: u64, after: u64): void {
  const e = engine();
  segment.time = time;
  segment.next = <u32>min<u64>(after, u32.MAX_VALUE);
  const slot = time >> gate.shift;
  if (slot - (e.now >> gate.shift) > <u64>gate.mask) {
    waitFor(gate, segment, slot);
    return;
  }
  const at = slotAt(gate, slot);
  const list = load<u32>(at);
  if (!list) schedule(takeEvent(EventKind.GATE, <u32>changetype<usize>(gate)), slot << gate.shift);
  store<u32>(at, addEntry(e, list, <u32>changetype<usize>(segment), time));
}

@inline
function slotAt(gate: Gate, slot: u64): usize {
  return <usize>(gate.slots + (((<u32>slot) & gate.mask) << 2));
}

/** `gatherHere` for who does not call it for every segment. */
export function gather(gate: Gate, segment: Segment, time: u64, after: u64): void {
  gatherHere(gate, segment, time, after);
}

/** A packet is further ahead than there are slots. */
function waitFor(gate: Gate, segment: Segment, slot: u64): void {
  const event = takeEvent(EventKind.GATE_WAIT, <u32>changetype<usize>(segment));
  event.gate = <u32>changetype<usize>(gate);
  schedule(event, (slot - <u64>(gate.mask >> 1)) << gate.shift);
}

/** Its slot is there now. */
export function waitEnds(event: Event): void {
  const segment = changetype<Segment>(<usize>event.target);
  const gate = changetype<Gate>(<usize>event.gate);
  giveEvent(event);
  gather(gate, segment, segment.time, segment.next);
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
  const hosts = gate.hosts;
  const start = slot << gate.shift;
  let rest: u32 = 0;
  let digest = gate.digest;
  let passed: u32 = 0;
  for (let word = BITS; word < BITS + PLACES / 8; word += 8) {
    let bits = load<u64>(word);
    store<u64>(word, 0);
    while (bits) {
      let next = load<u32>(HEADS + ((word - BITS) << 5) + ((<usize>ctz(bits)) << 2));
      bits &= bits - 1;
      do {
        const segment = changetype<Segment>(<usize>next);
        const time = start + <u64>(<u32>segment.time - <u32>start);
        next = load<u32>(linkOf(next));
        if (time > until) {
          rest = addEntry(e, rest, <u32>changetype<usize>(segment), time);
          continue;
        }
        const head = headWord(changetype<usize>(segment));
        digest = mixed(digest, time, <u32>head, load<u64>(changetype<usize>(segment), offsetof<Segment>("seq")));
        passed++;
        if (hosts) deliverAhead(segment, time);
        else forwardHere(segment, head, time);
      } while (next);
    }
  }
  gate.digest = digest;
  e.events += passed;
  e.ahead = max(e.ahead, min(until, start + ((<u64>1) << gate.shift) - 1));
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
      const place = ((<u32>(entry >> 32)) >> shift) & (PLACES - 1);
      const at = HEADS + ((<usize>place) << 2);
      const word = BITS + (((<usize>place) >> 6) << 3);
      const bits = load<u64>(word);
      const bit = (<u64>1) << (place & 63);
      if (bits & bit) {
        insertOlder(at, changetype<Segment>(<usize>(<u32>entry)));
      } else {
        store<u64>(word, bits | bit);
        store<u32>(at, <u32>entry);
        store<u32>(linkOf(<u32>entry), 0);
      }
    } while (list != chunk + ENTRY);
    list = load<u32>(<usize>chunk);
    giveChunk(e, chunk);
  } while (list);
}

/** A segment's link in the list of a place: in the upper half of its time, which the slot tells as well. */
@inline
function linkOf(segment: u32): usize {
  return <usize>segment + offsetof<Segment>("time") + 4;
}

/** Into the list of a place, before all that do not precede it. */
function insertOlder(head: usize, segment: Segment): void {
  let behind = head;
  let next = load<u32>(head);
  while (next != 0 && precedes(changetype<Segment>(<usize>next), segment)) {
    behind = linkOf(next);
    next = load<u32>(behind);
  }
  store<u32>(linkOf(<u32>changetype<usize>(segment)), next);
  store<u32>(behind, <u32>changetype<usize>(segment));
}

/** Of one instant who was sent first comes first, then it is the order of the routes. `next` says how long ago that was. */
function precedes(a: Segment, b: Segment): bool {
  const later = <i32>(<u32>b.time - <u32>a.time);
  if (later) return later > 0;
  return a.next > b.next || (a.next == b.next && a.target < b.target);
}
