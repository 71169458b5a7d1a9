/** What must hold of a host between any two events, counted the slow way. Tests call it; a run does not. */
import { Event } from "../layout/segment";
import { Port, Socket, SocketFlag } from "../layout/stack";
import { engine } from "../base/root";
import { checkInvariants } from "../tcp/invariants";
import { timersEarliest } from "../tcp/timers";
import { portFits, portIsEmpty } from "./ports";
import { listenerOf } from "./queues";
import { PORT_BITS, socketAt, stack, tcbOf } from "./stack";

/** Traps when the host's tables, queues and counts contradict each other. */
export function checkStack(): void {
  assert(engine().out_head == 0, "segments were left unsent");
  checkTable();
  checkPorts();
}

function checkTable(): void {
  const s = stack();
  let count: u32 = 0;
  let waiting: u32 = 0;
  let orphans: u32 = 0;
  for (let i: usize = 0; i < (<usize>1) << s.table_bits; i++) {
    for (let at = load<u32>(<usize>s.table + (i << 2)); at; at = socketAt(at).next) {
      const socket = socketAt(at);
      assert((socket.flags & SocketFlag.CONNECTED) != 0, "a socket in the table that is not connected");
      assert((socket.hash & ((1 << s.table_bits) - 1)) == <u32>i, "a socket in the wrong chain");
      if (socket.flags & SocketFlag.COUNTED_TIME_WAIT) waiting++;
      if (socket.flags & SocketFlag.COUNTED_ORPHAN) orphans++;
      assert(!(socket.flags & SocketFlag.BOUND) || portFits(socket), "a socket that another port counts");
      checkConnection(socket);
      count++;
    }
  }
  assert(count == s.table_count, "table_count is wrong");
  assert(waiting == s.time_wait_count, "time_wait_count is wrong");
  assert(orphans == s.orphan_count, "orphan_count is wrong");
  assert(waiting <= s.tcp_max_tw_buckets && orphans <= s.tcp_max_orphans, "more wait than may");
  assert(count <= s.socket_count, "more connections than sockets");
}

function checkConnection(socket: Socket): void {
  const tcb = tcbOf(socket);
  if (socket.flags & SocketFlag.SHORT) {
    assert(socket.flags & SocketFlag.COUNTED_TIME_WAIT, "short, and not waiting");
    assert(changetype<Event>(<usize>tcb.timer_event).target == <u32>changetype<usize>(tcb), "a wait without an alarm");
    return;
  }
  checkInvariants(<u32>changetype<usize>(tcb));
  assert(!tcb.timer_moved, "a timer that nobody heard of");
  if (!tcb.timer_mask) return;
  assert(tcb.timer_event != 0, "deadlines, and no alarm");
  const alarm = changetype<Event>(<usize>tcb.timer_event);
  assert(alarm.target == <u32>changetype<usize>(tcb), "another's alarm");
  assert(alarm.time <= timersEarliest(tcb), "an alarm behind the earliest deadline");
}

function checkPorts(): void {
  for (let i: usize = 0; i < (<usize>1) << PORT_BITS; i++) {
    for (let at = load<u32>(<usize>stack().ports + (i << 2)); at; at = changetype<Port>(<usize>at).next) {
      const port = changetype<Port>(<usize>at);
      assert(!portIsEmpty(port), "a port that nobody is bound to");
      for (let s = port.listeners; s; s = socketAt(s).port_next) {
        if (socketAt(s).listener) checkListener(socketAt(s));
      }
    }
  }
}

/** Both queues are as long as they say, and no longer than they may be. */
function checkListener(parent: Socket): void {
  const listener = listenerOf(parent);
  const self = <u32>changetype<usize>(parent);
  let count: u32 = 0;
  for (let at = listener.syn_head; at; at = socketAt(at).queue_next) {
    assert(socketAt(at).parent == self, "a handshake of another listener");
    assert((socketAt(at).flags & SocketFlag.IN_SYN_QUEUE) != 0, "a handshake that does not know where it waits");
    count++;
  }
  assert(count == listener.syn_count, "syn_count is wrong");
  count = 0;
  for (let at = listener.accept_head; at; at = socketAt(at).queue_next) {
    assert((socketAt(at).flags & SocketFlag.IN_ACCEPT_QUEUE) != 0, "a connection that does not know where it waits");
    count++;
  }
  assert(count == listener.accept_count, "accept_count is wrong");
}
