/** A connection in TIME_WAIT that nobody holds is kept as half its block, and answers as one that is kept whole. */
import assert from "node:assert/strict";
import test from "node:test";
import { Shutdown } from "../../src/sockets/constants.ts";
import type { Accepted } from "../../src/sockets/host.ts";
import { Random } from "../wire/random.ts";
import { Peer, type Saying } from "./peer.ts";

const CONNECTIONS = 5;
const STEPS = 60;

/** A host whose connections all wait in TIME_WAIT: closed by their application, or held by it. */
async function waiting(closed: boolean, ipv6: boolean, options: Partial<Saying>, sysctls: Record<string, number>) {
  const peer = await Peer.create({ sysctls }, ipv6);
  const listener = peer.listen(20);
  const isns: number[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const srcPort = 5000 + i;
    isns.push(peer.handshakes(srcPort, options));
    const fd = (peer.host.accept(listener) as Accepted).result;
    const rest = { ...options, mss: undefined, windowScale: undefined, sackPermitted: undefined };
    peer.says({ flags: "PA", srcPort, seq: 1001, ack: isns[i] + 1 >>> 0, payload: 100, ...rest });
    peer.host.read(fd, 100);
    peer.host.write(fd, new Uint8Array(50));
    if (closed) peer.host.close(fd);
    else peer.host.shutdown(fd, Shutdown.SHUT_WR);
    peer.says({ flags: "FA", srcPort, seq: 1101, ack: isns[i] + 52 >>> 0, ...rest });
    peer.host.output();
  }
  assert.equal(peer.host.stack("time_wait_count"), CONNECTIONS);
  return { peer, isns };
}

/** A segment to one of them: about where the conversation stands, or anywhere. */
function segment(random: Random, isns: number[], stamped: boolean): Saying {
  const which = random.below(CONNECTIONS);
  const around = (exact: number, reach: number): number => exact + random.between(-reach, reach) >>> 0;
  const far = random.chance(0.2);
  return {
    flags: random.pick(["A", "A", "PA", "FA", "R", "RA", "S", "SA", "F", ""]),
    srcPort: 5000 + which,
    seq: far ? random.u32() : random.chance(0.5) ? 1102 : around(1102, 200),
    ack: random.chance(0.7) ? isns[which] + 52 >>> 0 : random.u32(),
    wnd: random.below(65536),
    payload: random.chance(0.3) ? random.below(300) : 0,
    ...stamped && random.chance(0.8) ? { timestamps: { tsval: around(100, 60), tsecr: random.u32() } } : {},
  };
}

for (const ipv6 of [false, true]) {
  test(`TIME_WAIT over ${ipv6 ? "IPv6" : "IPv4"}: half a block answers what a whole one would, byte for byte`, async () => {
    let answers = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const stamped = random.chance(0.5);
      const options: Partial<Saying> = {
        ...random.chance(0.5) ? { windowScale: 7, sackPermitted: true } : {},
        ...stamped ? { timestamps: { tsval: 100, tsecr: 0 } } : {},
      };
      const sysctls = {
        "net.ipv4.tcp_rfc1337": random.below(2),
        "net.ipv4.tcp_invalid_ratelimit": random.pick([0, 500]),
      };
      const { peer: short, isns } = await waiting(true, ipv6, options, sysctls);
      const { peer: whole } = await waiting(false, ipv6, options, sysctls);
      for (let step = 0; step < STEPS; step++) {
        const saying = segment(random, isns, stamped);
        const ms = random.pick([0, 0, 1, 30, 400, 2000, 25_000]);
        for (const peer of [short, whole]) {
          peer.says(saying);
          peer.pass(ms);
          peer.host.check();
        }
        const [found, expected] = [short, whole].map(({ host }) => host.output());
        answers += found.length;
        assert.deepEqual(found, expected, `seed ${seed}, step ${step}: ${JSON.stringify(saying)}`);
        assert.equal(short.host.stack("time_wait_count"), whole.host.stack("time_wait_count"), `seed ${seed}`);
      }
    }
    assert.ok(answers > 1000, `${answers} answers`);
  });
}
