/** A listener's two queues, linked through the sockets that wait in them: handshakes begun, and connections to accept. */
import { Listener, Socket, SocketFlag } from "../layout/stack";
import { Notify } from "../layout/enums";
import { post } from "./news";
import { socketAt } from "./stack";

@inline
export function listenerOf(socket: Socket): Listener {
  return changetype<Listener>(<usize>socket.listener);
}

/** As Linux counts: one more than the backlog may wait. */
export function acceptQueueIsFull(listener: Listener): bool {
  return listener.accept_count > listener.backlog;
}

export function synQueueIsFull(listener: Listener): bool {
  return listener.syn_count >= listener.backlog;
}

export function synQueuePush(parent: Socket, child: Socket): void {
  const listener = listenerOf(parent);
  const at = <u32>changetype<usize>(child);
  child.parent = <u32>changetype<usize>(parent);
  child.flags |= SocketFlag.IN_SYN_QUEUE;
  child.queue_next = 0;
  child.queue_prev = listener.syn_tail;
  if (listener.syn_tail) socketAt(listener.syn_tail).queue_next = at;
  else listener.syn_head = at;
  listener.syn_tail = at;
  listener.syn_count++;
}

export function synQueueRemove(child: Socket): void {
  const listener = listenerOf(socketAt(child.parent));
  if (child.queue_prev) socketAt(child.queue_prev).queue_next = child.queue_next;
  else listener.syn_head = child.queue_next;
  if (child.queue_next) socketAt(child.queue_next).queue_prev = child.queue_prev;
  else listener.syn_tail = child.queue_prev;
  child.queue_next = 0;
  child.queue_prev = 0;
  child.flags &= ~SocketFlag.IN_SYN_QUEUE;
  listener.syn_count--;
}

/** The handshake is over: the connection waits to be accepted. */
export function acceptQueuePush(child: Socket): void {
  const parent = socketAt(child.parent);
  const listener = listenerOf(parent);
  const at = <u32>changetype<usize>(child);
  child.flags |= SocketFlag.IN_ACCEPT_QUEUE;
  if (listener.accept_tail) socketAt(listener.accept_tail).queue_next = at;
  else listener.accept_head = at;
  listener.accept_tail = at;
  listener.accept_count++;
  post(parent, Notify.READABLE);
}

/** The connection that has waited longest; 0 when none does. */
export function acceptQueueTake(parent: Socket): u32 {
  const listener = listenerOf(parent);
  const at = listener.accept_head;
  if (!at) return 0;
  const child = socketAt(at);
  listener.accept_head = child.queue_next;
  if (!child.queue_next) listener.accept_tail = 0;
  listener.accept_count--;
  child.queue_next = 0;
  child.parent = 0;
  child.flags &= ~SocketFlag.IN_ACCEPT_QUEUE;
  return at;
}
