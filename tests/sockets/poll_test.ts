/** What poll and epoll say, and when. */
import assert from "node:assert/strict";
import test from "node:test";
import { Epoll, Errno, PollEvent, Shutdown, SOCK_NONBLOCK, SOCK_STREAM } from "../../src/sockets/constants.ts";
import { type EpollAnswer, Host } from "../../src/sockets/host.ts";
import { B, must, Network } from "./network.ts";

const { POLLIN, POLLOUT, POLLERR, POLLHUP, POLLNVAL, POLLRDNORM, POLLWRNORM, POLLRDHUP } = PollEvent;
const ALL = 0x3fff;
const READABLE = POLLIN | POLLRDNORM;
const WRITABLE = POLLOUT | POLLWRNORM;

/** Every event that holds on a descriptor now. */
function events(host: Host, fd: number): number {
  const fds = [{ fd, events: ALL, revents: 0 }];
  host.poll(fds, 0);
  return fds[0].revents;
}

test("a fresh socket hangs up; a closed descriptor is invalid", async () => {
  const host = await Host.create();
  const fd = host.socket(2, SOCK_STREAM);
  assert.equal(events(host, fd), POLLHUP | WRITABLE);
  host.close(fd);
  assert.equal(events(host, fd), POLLNVAL);
});

test("a connection: nothing while it opens, then writable; readable with data; RDHUP and HUP as it closes", async () => {
  const net = await Network.create();
  const listener = net.b.socket(2, SOCK_STREAM);
  must(net.b.bind(listener, { address: B, port: 80 }));
  must(net.b.listen(listener, 1));
  const client = net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
  net.a.connect(client, { address: B, port: 80 });
  assert.equal(events(net.a, client), 0);
  assert.equal(events(net.b, listener), 0);
  net.pass(20);
  assert.equal(events(net.a, client), WRITABLE);
  assert.equal(events(net.b, listener), READABLE);
  const { result: server } = net.finish(net.b.accept(listener));
  assert.equal(events(net.b, listener), 0);
  net.a.write(client, new Uint8Array(5));
  net.pass(20);
  assert.equal(events(net.b, server), READABLE | WRITABLE);
  net.b.read(server, 5);
  net.a.shutdown(client, Shutdown.SHUT_WR);
  net.pass(60);
  assert.equal(events(net.b, server), READABLE | WRITABLE | POLLRDHUP);
  assert.equal(events(net.a, client), WRITABLE);
  net.b.shutdown(server, Shutdown.SHUT_WR);
  net.pass(20);
  assert.equal(events(net.a, client), READABLE | WRITABLE | POLLRDHUP | POLLHUP);
});

test("a reset connection: everything, and an error", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  net.b.setsockopt(server, 1, 13, { onoff: 1, linger: 0 });
  net.b.close(server);
  net.pass(20);
  assert.equal(events(net.a, client), READABLE | WRITABLE | POLLRDHUP | POLLHUP | POLLERR);
});

test("a full send buffer is not writable, and is again when a third of it is free", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  net.a.write(client, new Uint8Array(10_000_000), 0x40);
  assert.equal(events(net.a, client), 0);
  for (let i = 0; i < 20; i++) {
    net.pass(20);
    net.b.read(server, 1_000_000, 0x40);
  }
  assert.equal(events(net.a, client), WRITABLE);
});

test("poll waits for the first event, or its time-out", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  const fds = [{ fd: server, events: POLLIN, revents: 0 }];
  const start = net.now;
  assert.equal(net.finish(net.b.poll(fds, 300)), 0);
  assert.equal(Number(net.now - start), 300e6);
  net.a.write(client, new Uint8Array(1));
  assert.equal(net.finish(net.b.poll(fds, -1)), 1);
  assert.equal(Number(net.now - start), 305e6);
  assert.equal(fds[0].revents, POLLIN);
});

test("epoll: level-triggered events come again, edge-triggered ones once per change, one-shot ones once", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  const told = (flags: number): () => unknown => {
    const epoll = net.b.epollCreate();
    assert.equal(net.b.epollCtl(epoll, Epoll.EPOLL_CTL_ADD, server, Epoll.EPOLLIN | flags, 77), 0);
    return () => (net.b.epollWait(epoll, 8, 0) as EpollAnswer).events;
  };
  const [level, edge, once] = [told(0), told(Epoll.EPOLLET), told(Epoll.EPOLLONESHOT)];
  for (const ask of [level, edge, once]) assert.deepEqual(ask(), []);
  const event = [{ events: Epoll.EPOLLIN, data: 77 }];
  net.a.write(client, new Uint8Array(5));
  net.pass(20);
  for (const ask of [level, edge, once]) assert.deepEqual(ask(), event);
  assert.deepEqual([level(), edge(), once()], [event, [], []]);
  net.a.write(client, new Uint8Array(5));
  net.pass(20);
  assert.deepEqual([level(), edge(), once()], [event, event, []]);
});

test("epoll_ctl: EEXIST, ENOENT, EBADF, EINVAL", async () => {
  const host = await Host.create();
  const [epoll, fd] = [host.epollCreate(), host.socket(2, SOCK_STREAM)];
  assert.equal(host.epollCtl(epoll, Epoll.EPOLL_CTL_MOD, fd, Epoll.EPOLLIN), -Errno.ENOENT);
  assert.equal(host.epollCtl(epoll, Epoll.EPOLL_CTL_ADD, fd, Epoll.EPOLLIN), 0);
  assert.equal(host.epollCtl(epoll, Epoll.EPOLL_CTL_ADD, fd, Epoll.EPOLLIN), -Errno.EEXIST);
  assert.equal(host.epollCtl(epoll, Epoll.EPOLL_CTL_ADD, 99, Epoll.EPOLLIN), -Errno.EBADF);
  assert.equal(host.epollCtl(fd, Epoll.EPOLL_CTL_ADD, fd, Epoll.EPOLLIN), -Errno.EINVAL);
});

test("runToNews stops at the very event that a caller waits for", async () => {
  const net = await Network.create({
    sysctls: { "net.ipv4.tcp_syn_retries": 1, "net.ipv4.tcp_syn_linear_timeouts": 0 },
  });
  const fd = net.a.socket(2, SOCK_STREAM);
  const call = net.a.connect(fd, { address: B, port: 80 });
  assert.equal(typeof call, "object");
  assert.equal(net.a.runToNews(100_000_000_000n), true);
  assert.equal(net.a.now, 3_000_000_000n);
  assert.equal((call as { retry(): unknown }).retry(), -Errno.ETIMEDOUT);
});

test("epoll, edge-triggered: the acknowledgment of a FIN wakes who waits, as Linux's does", async () => {
  const net = await Network.create();
  const { client } = net.connect();
  const epfd = net.a.epollCreate();
  must(net.a.epollCtl(epfd, Epoll.EPOLL_CTL_ADD, client, POLLOUT | Epoll.EPOLLET));
  const wait = (): number => (net.a.epollWait(epfd, 1, 0) as EpollAnswer).result;
  assert.equal(wait(), 1);
  net.a.shutdown(client, Shutdown.SHUT_WR);
  wait();
  assert.equal(wait(), 0);
  net.pass(20);
  net.a.takeNews();
  net.pass(100);
  assert.equal(wait(), 1);
});
