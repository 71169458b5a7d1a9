/**
 * What happens to a packet on the wire, behind the queue: loss, corruption, extra delay, duplication. Each stage
 * draws from a random stream of its own, so that adding one leaves the others' draws alone.
 */
import { EventKind, LossKind } from "../layout/enums";
import { LinkExt, Route } from "../layout/link";
import { Segment } from "../layout/segment";
import { reserve } from "../base/arena";
import { nextRandom } from "../base/prng";
import { ipHeaderLength, isDataPacket, packetBytes } from "./packet_bytes";

@inline
function hits(stream: usize, threshold: u64): bool {
  return threshold != 0 && nextRandom(stream) < threshold;
}

/** Whether the link's loss model takes this packet. Counts every data packet, in order of arrival. */
export function lossTakes(ext: LinkExt, segment: Segment): bool {
  const isData =
    segment.kind == EventKind.PACKET ? isDataPacket(segment) : segment.len != 0 || segment.kind == EventKind.DATAGRAM;
  switch (<i32>ext.loss_kind) {
    case LossKind.NONE:
      return false;
    case LossKind.BERNOULLI:
      return nextRandom(changetype<usize>(ext) + offsetof<LinkExt>("loss_random")) < ext.loss_threshold;
    case LossKind.PERIODIC:
      return isData && flowCount(ext, changetype<Route>(<usize>segment.target).flow) % ext.loss_every == 0;
    case LossKind.LIST:
      return isData && listTakes(ext);
    default:
      return unreachable();
  }
}

/** How many data packets of this flow have come, this one included. */
function flowCount(ext: LinkExt, flow: u32): u32 {
  if (flow >= ext.flow_counters_size) {
    const size = max<u32>(64, (flow + 1) << 1);
    const counters = <u32>reserve((<u64>size) << 2);
    memory.copy(counters, ext.flow_counters, (<usize>ext.flow_counters_size) << 2);
    ext.flow_counters = counters;
    ext.flow_counters_size = size;
  }
  const at = <usize>ext.flow_counters + ((<usize>flow) << 2);
  const count = load<u32>(at) + 1;
  store<u32>(at, count);
  return count;
}

function listTakes(ext: LinkExt): bool {
  const number = ++ext.data_packets;
  if (ext.loss_list_next == ext.loss_list_count) return false;
  if (load<u32>(<usize>ext.loss_list + ((<usize>ext.loss_list_next) << 2)) != number) return false;
  ext.loss_list_next++;
  return true;
}

export function corruptionHits(ext: LinkExt): bool {
  return hits(changetype<usize>(ext) + offsetof<LinkExt>("corrupt_random"), ext.corrupt_threshold);
}

/**
 * Flips a bit of a packet from outside, behind the IP header: before it the packet would reach somebody else, or be none.
 */
export function damagePacket(ext: LinkExt, segment: Segment): void {
  const at = packetBytes(segment);
  const header = ipHeaderLength(at);
  if (segment.len <= header) return;
  const random = changetype<usize>(ext) + offsetof<LinkExt>("corrupt_random");
  const bit = <u32>(nextRandom(random) % ((<u64>(segment.len - header)) << 3));
  const byte = at + header + (bit >> 3);
  store<u8>(byte, load<u8>(byte) ^ (<u8>((<u32>1) << (bit & 7))));
}

export function duplicationHits(ext: LinkExt): bool {
  return hits(changetype<usize>(ext) + offsetof<LinkExt>("duplicate_random"), ext.duplicate_threshold);
}

/** When a packet that would arrive at `arrival` does: jitter keeps the order, reordering breaks it. */
export function delayedArrival(ext: LinkExt, arrival: u64): u64 {
  if (ext.jitter_ns) {
    arrival += nextRandom(changetype<usize>(ext) + offsetof<LinkExt>("jitter_random")) % (ext.jitter_ns + 1);
    if (arrival < ext.last_arrival) arrival = ext.last_arrival;
    ext.last_arrival = arrival;
  }
  if (hits(changetype<usize>(ext) + offsetof<LinkExt>("reorder_random"), ext.reorder_threshold)) {
    ext.reordered++;
    arrival += ext.reorder_delay_ns;
  }
  return arrival;
}
