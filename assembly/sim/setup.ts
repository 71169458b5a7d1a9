/** Building a run: the host describes it link by link and flow by flow, in the order of the scenario. */
import { Engine } from "../layout/engine";
import { EventKind, LossKind, SourceKind } from "../layout/enums";
import { Flow, Source } from "../layout/flow";
import { Link, LinkExt, Route } from "../layout/link";
import { Tcb } from "../layout/tcb";
import { arenaInit, reserve, reserveAligned } from "../base/arena";
import { HISTOGRAM_BUCKETS } from "../base/histogram";
import { takeEvent } from "../base/pool";
import { mix64, nextExponential, splitStream, Stream } from "../base/prng";
import { engine } from "../base/root";
import { openPassive } from "../tcp/calls";
import { qdiscAdvance, qdiscInit } from "../qdisc/qdisc";
import { queueInit, schedule } from "./event_queue";

/** Must come first. `seed` is all that random streams and secrets are made of. */
export function init(seed: u64): void {
  const e = engine();
  arenaInit();
  e.seed = mix64(seed + 0x9e3779b97f4a7c15);
  e.secret0 = splitStream(Stream.SECRET, 0);
  e.secret1 = splitStream(Stream.SECRET, 1);
  e.digest = 0x637566f0cbe4a1d3;
  linuxDefaults(e);
  queueInit();
}

/** What Linux's sysctls say as long as nobody changes them; the owner sets what differs. */
function linuxDefaults(e: Engine): void {
  e.quick_acks = 16;
  e.max_reordering = 300;
  e.ecn_fallback = 1;
  e.ecn_option = 2;
  e.ecn_option_beacon = 3;
  e.rmem_max = 6291456;
  e.wmem_max = 4194304;
  e.moderate_rcvbuf = 1;
  e.dsack = 1;
  e.invalid_ratelimit_ms = 500;
  e.fin_timeout_ms = 60000;
  e.slow_start_after_idle = 1;
  e.tso_win_divisor = 3;
  e.tso_segs_min = 2;
  e.tso_rtt_log = 9;
  e.pacing_ss_ratio = 200;
  e.pacing_ca_ratio = 120;
  e.path_retries = 3;
  e.base_mss = 1024;
  e.mtu_probe_floor = 48;
  e.probe_threshold = 8;
  e.probe_interval_s = 600;
  e.min_snd_mss = 48;
  e.min_rtt_wlen_s = 300;
  e.keepalive_time_s = 7200;
  e.keepalive_interval_s = 75;
  e.keepalive_probes = 9;
}

/** Zeroed memory for good, for what the host hands over. */
export function allocate(bytes: u32): usize {
  return reserveAligned(bytes, 8);
}

/** A plain link: unlimited, without impairments, unwatched. */
export function addLink(ns_per_byte_q20: u64, delay_ns: u64): usize {
  const link = changetype<Link>(reserveAligned(offsetof<Link>(), 32));
  link.ns_per_byte_q20 = ns_per_byte_q20;
  link.delay_ns = delay_ns;
  return changetype<usize>(link);
}

/** Gives a link its `LinkExt`, unlimited and without impairments; the host fills it in, then calls `finishLink`. */
export function extendLink(address: u32): usize {
  const link = changetype<Link>(<usize>address);
  const ext = changetype<LinkExt>(reserve(offsetof<LinkExt>()));
  ext.limit_packets = u32.MAX_VALUE;
  ext.limit_bytes = u64.MAX_VALUE >> 1;
  link.ext = <u32>changetype<usize>(ext);
  return changetype<usize>(ext);
}

/** Starts the queue and splits the link's random streams by its index. */
export function finishLink(address: u32, index: u32, histogram: bool): void {
  const ext = changetype<LinkExt>(<usize>address);
  qdiscInit(ext);
  ext.loss_random = splitStream(Stream.LOSS, index);
  ext.reorder_random = splitStream(Stream.REORDER, index);
  ext.duplicate_random = splitStream(Stream.DUPLICATE, index);
  ext.corrupt_random = splitStream(Stream.CORRUPT, index);
  ext.jitter_random = splitStream(Stream.JITTER, index);
  if (histogram) ext.histogram = <u32>reserve(HISTOGRAM_BUCKETS << 2);
  const chances = ext.reorder_threshold | ext.duplicate_threshold | ext.corrupt_threshold | ext.jitter_ns;
  ext.staged = ext.loss_kind != LossKind.NONE || ext.capture != 0 || chances != 0 ? 1 : 0;
  assert(ext.loss_kind != LossKind.PERIODIC || ext.loss_every > 0, "periodic loss without a period");
}

/** Averages begin here: what was measured at this link so far is forgotten, its totals are not. */
export function restartLinkAverages(address: u32): void {
  const ext = changetype<LinkExt>(<usize>address);
  ext.waited_ns = 0;
  qdiscAdvance(ext, engine().now);
  ext.queue_packets_max = ext.waiting_tail - ext.waiting_head;
  if (ext.histogram) memory.fill(ext.histogram, 0, HISTOGRAM_BUCKETS << 2);
}

/** A way over `hops` links, whose addresses the host stores behind it. */
export function addRoute(hops: u32, flow: u32): usize {
  const route = changetype<Route>(reserveAligned(offsetof<Route>() + ((<u64>hops) << 2), 32));
  route.hops = hops;
  route.flow = flow;
  return changetype<usize>(route);
}

/** A flow between two fresh connections: `a` like the first template, `b` listening like the second. */
export function addFlow(index: u32, templateA: u32, templateB: u32, forth: u32, back: u32): usize {
  const flow = changetype<Flow>(reserve(offsetof<Flow>()));
  const a = addTcb(templateA);
  const b = addTcb(templateB);
  flow.index = index;
  flow.a = <u32>changetype<usize>(a);
  flow.b = <u32>changetype<usize>(b);
  bind(a, flow, forth, flow.b);
  bind(b, flow, back, flow.a);
  openPassive(b);
  return changetype<usize>(flow);
}

function addTcb(template: u32): Tcb {
  const tcb = changetype<Tcb>(reserve(offsetof<Tcb>()));
  memory.copy(changetype<usize>(tcb), template, offsetof<Tcb>());
  return tcb;
}

function bind(tcb: Tcb, flow: Flow, address: u32, peer: u32): void {
  const route = changetype<Route>(<usize>address);
  route.destination = peer;
  route.origin = <u32>changetype<usize>(tcb);
  tcb.owner = <u32>changetype<usize>(flow);
  tcb.route = address;
}

/** An event of a flow (`FLOW_START`, `FLOW_STOP`) at a time. */
export function scheduleFlow(flow: u32, kind: u32, at: u64): void {
  const event = takeEvent(kind, flow);
  schedule(event, at);
}

/** An open-loop source on a way of its own. */
export function addSource(index: u32, kind: u32, gap_ns: f64, bytes: u32, route: u32, start: u64, stop: u64): usize {
  const source = changetype<Source>(reserve(offsetof<Source>()));
  source.index = index;
  source.kind = kind;
  source.gap_ns = gap_ns;
  source.bytes = bytes;
  source.route = route;
  source.stop_ns = stop;
  source.random = splitStream(Stream.SOURCE, index);
  changetype<Route>(<usize>route).destination = <u32>changetype<usize>(source);
  const event = takeEvent(EventKind.SOURCE, <u32>changetype<usize>(source));
  source.due_ns = <f64>start;
  // A Poisson process has no first instant of its own
  if (kind != SourceKind.CBR) {
    source.due_ns += nextExponential(changetype<usize>(source) + offsetof<Source>("random"), gap_ns);
  }
  schedule(event, <u64>source.due_ns);
  return changetype<usize>(source);
}
