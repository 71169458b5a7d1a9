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
  socket.news_prev = s.news_head ? s.news_tail : 0;
  if (s.news_head) socketAt(s.news_tail).news_next = at;
  else s.news_head = at;
  s.news_tail = at;
}

/** The next socket with news, off the list; 0 when there is none. Its bits stay in `Socket.news` until cleared. */
export function stackNews(): usize {
  const at = stack().news_head;
  if (at) forgetNews(socketAt(at));
  return <usize>at;
}

/** Takes a socket off the list: it is looked at, or about to vanish. */
export function forgetNews(socket: Socket): void {
  if (!(socket.flags & SocketFlag.HAS_NEWS)) return;
  socket.flags &= ~SocketFlag.HAS_NEWS;
  const s = stack();
  if (socket.news_prev) socketAt(socket.news_prev).news_next = socket.news_next;
  else s.news_head = socket.news_next;
  if (socket.news_next) socketAt(socket.news_next).news_prev = socket.news_prev;
  else s.news_tail = socket.news_prev;
}
