/** TCP_INFO of sockets: what the connection's block does not count, and since when there is silence. */
import assert from "node:assert/strict";
import test from "node:test";
import type { TcpInfo } from "../../src/core/tcp_info.ts";
import { SocketOption, SOL_SOCKET } from "../../src/sockets/constants.ts";
import type { Host } from "../../src/sockets/host.ts";
import { must, Network } from "./network.ts";

const info = (host: Host, fd: number): TcpInfo => host.tcpInfo(fd) as TcpInfo;

test("segments are counted both ways, of an accepted connection from the handshake's end on", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  assert.deepEqual([info(net.a, client).tcpi_segs_out, info(net.a, client).tcpi_segs_in], [2, 1]);
  assert.deepEqual([info(net.b, server).tcpi_segs_out, info(net.b, server).tcpi_segs_in], [0, 2], "as Linux says");
  must(net.a.write(client, new Uint8Array(3000)) as number);
  net.pass(100);
  const [sent, got] = [info(net.a, client), info(net.b, server)];
  assert.equal(sent.tcpi_data_segs_out, 3);
  assert.equal(got.tcpi_data_segs_in, 3);
  assert.equal(got.tcpi_segs_in, 5);
  assert.equal(got.tcpi_segs_out, sent.tcpi_segs_in - 1, "the SYN-ACK is nobody's");
  assert.equal(sent.tcpi_bytes_acked, 3001);
  assert.equal(got.tcpi_bytes_acked, 0);
});

test("silence is told from the handshake on, then from what came last", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  net.pass(100);
  const quiet = info(net.a, client);
  assert.ok(quiet.tcpi_last_data_recv >= 100 && quiet.tcpi_last_data_recv <= 110, `${quiet.tcpi_last_data_recv}`);
  assert.equal(quiet.tcpi_last_ack_recv, quiet.tcpi_last_data_recv);
  must(net.a.write(client, new Uint8Array(100)) as number);
  net.pass(300);
  const [sent, got] = [info(net.a, client), info(net.b, server)];
  assert.equal(got.tcpi_last_data_recv, 295);
  assert.equal(got.tcpi_last_ack_recv, 295, "text acknowledges too");
  assert.ok(sent.tcpi_last_ack_recv >= 250 && sent.tcpi_last_ack_recv <= 290, `${sent.tcpi_last_ack_recv}`);
  assert.ok(sent.tcpi_last_data_recv >= 400, "nothing has come");
});

test("the largest pacing rate is all ones until it is set", async () => {
  const net = await Network.create();
  const { client } = net.connect();
  assert.equal(info(net.a, client).tcpi_max_pacing_rate, 2 ** 64);
  net.a.setsockopt(client, SOL_SOCKET, SocketOption.SO_MAX_PACING_RATE, 1_000_000);
  assert.equal(info(net.a, client).tcpi_max_pacing_rate, 1_000_000);
});
