/** What the host program should look at: a list of sockets, each on it once. */
import { Socket, SocketFlag } from "../layout/stack";
import { socketAt, stack } from "./stack";

export function post(socket: Socket, news: u32): void {
  const s = stack();
  s.stirred = 1;
  socket.news |= news;
  if ((socket.flags & (SocketFlag.HAS_NEWS | SocketFlag.HELD)) != SocketFlag.HELD) return;
  socket.flags |= SocketFlag.HAS_NEWS;
  const at = <u32>changetype<usize>(socket);
  socket.news_next = 0;
  if (s.news_head) socketAt(s.news_tail).news_next = at;
  else s.news_head = at;
  s.news_tail = at;
}

/** The next socket with news, off the list; 0 when there is none. Its bits stay in `Socket.news` until cleared. */
export function stackNews(): usize {
  const s = stack();
  const at = s.news_head;
  if (at) {
    const socket = socketAt(at);
    s.news_head = socket.news_next;
    socket.flags &= ~SocketFlag.HAS_NEWS;
  }
  return <usize>at;
}

/** A socket that is about to vanish has no news. */
export function forgetNews(socket: Socket): void {
  if (!(socket.flags & SocketFlag.HAS_NEWS)) return;
  socket.flags &= ~SocketFlag.HAS_NEWS;
  const s = stack();
  const self = <u32>changetype<usize>(socket);
  if (s.news_head == self) {
    s.news_head = socket.news_next;
    return;
  }
  let before = s.news_head;
  while (socketAt(before).news_next != self) before = socketAt(before).news_next;
  socketAt(before).news_next = socket.news_next;
  if (s.news_tail == self) s.news_tail = before;
}
