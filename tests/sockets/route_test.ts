/** Attributes of the route: what is refused, and by which words. */
import assert from "node:assert/strict";
import test from "node:test";
import { AF_INET6, Errno, SOCK_STREAM } from "../../src/sockets/constants.ts";
import { Host } from "../../src/sockets/host.ts";

const IPV4 = ["10.0.0.1"];
const BOTH = ["10.0.0.1", "2001:db8::1"];

test("HostOptions.mtu: from 68 on, with an IPv6 address from 1280 on, as Linux has it", async () => {
  for (const mtu of [68, 1279, 65_535]) assert.equal((await Host.create({ addresses: IPV4, mtu })).stack("mtu"), mtu);
  assert.equal((await Host.create({ addresses: BOTH, mtu: 1280 })).stack("mtu"), 1280);
  for (const mtu of [67, 48, 0, -1, 65_536, 1500.5, NaN]) {
    const message = `route attribute mtu: found ${mtu}, expected a whole number from 68 to 65535`;
    await assert.rejects(Host.create({ addresses: IPV4, mtu }), { message });
  }
  const message = "route attribute mtu: found 1279, expected 1280 or more: the host has an IPv6 address";
  await assert.rejects(Host.create({ addresses: BOTH, mtu: 1279 }), { message });
  // One mapped into IPv6 is an IPv4 address
  await Host.create({ addresses: ["::ffff:10.0.0.1"], mtu: 576 });
});

test("HostOptions.mtu: a host of no given addresses has no IPv6 where the MTU is too small for it", async () => {
  const refused = async (mtu: number): Promise<boolean> => {
    const host = await Host.create({ mtu });
    const fd = host.socket(AF_INET6, SOCK_STREAM | 0o4000);
    return host.connect(fd, { address: "2001:db8::2", port: 80 }) === -Errno.ENETUNREACH;
  };
  assert.deepEqual([await refused(1280), await refused(1279)], [false, true]);
});

test("route: what no route can have is refused in one line", async () => {
  const host = await Host.create({ addresses: BOTH });
  const refusals: [Record<string, number>, string][] = [
    [{ mtu: 1000 }, "mtu: found 1000, expected 1280 or more: the host has an IPv6 address"],
    [{ mtu: 40 }, "mtu: found 40, expected a whole number from 68 to 65535"],
    [{ advmss: 65_496 }, "advmss: found 65496, expected a whole number from 0 to 65495"],
    [{ advmss: -1 }, "advmss: found -1, expected a whole number from 0 to 65495"],
    [{ initcwnd: 65_536 }, "initcwnd: found 65536, expected a whole number from 0 to 65535"],
    [{ window: 2 ** 31 }, "window: found 2147483648, expected a whole number from 0 to 2147483647"],
    [{ rto_min_ms: -5 }, "rto_min_ms: found -5, expected a number from 0 to 120000"],
  ];
  for (const [settings, message] of refusals) {
    assert.throws(() => host.route(settings), { message: `route attribute ${message}` });
  }
  assert.deepEqual([host.stack("mtu"), host.stack("advmss")], [1500, 0]);
  host.route({ mtu: 1280, advmss: 65_495 });
  assert.deepEqual([host.stack("mtu"), host.stack("advmss")], [1280, 65_495]);
});
