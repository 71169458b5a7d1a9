/** What the shell commands before a script set. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Setting, settingsOf } from "../../src/packetdrill/preamble.ts";
import { splitCommands } from "../../src/packetdrill/shell.ts";

function settings(text: string): string[] {
  return settingsOf("a.pkt", splitCommands("a.pkt", text, 1)).map(shown);
}

function shown(setting: Setting): string {
  if (setting.kind === "sysctl") return `${setting.name}=${setting.value}`;
  return setting.kind === "route" ? `route ${JSON.stringify(setting.route)}` : `sleep ${setting.micros}`;
}

const FORMS: [string, string[]][] = [
  ["sysctl -q net.ipv4.tcp_sack=0", ["net.ipv4.tcp_sack=0"]],
  ["sysctl -q -w net.ipv4.tcp_sack=0 net.ipv4.tcp_ecn=1 >/dev/null 2>&1", [
    "net.ipv4.tcp_sack=0",
    "net.ipv4.tcp_ecn=1",
  ]],
  ['sysctl -q net.ipv4.tcp_rmem="4096 8192 16384"', ["net.ipv4.tcp_rmem=4096 8192 16384"]],
  ["sysctl net/ipv4/tcp_sack=1", ["net.ipv4.tcp_sack=1"]],
  ["sysctl -n net.ipv4.tcp_sack", []],
  ["../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0 \\\n /proc/sys/net/ipv4/tcp_ecn=2", [
    "net.ipv4.tcp_sack=0",
    "net.ipv4.tcp_ecn=2",
  ]],
  ["set_sysctls.py '/proc/sys/net/ipv4/tcp_wmem=1 2 3'", ["net.ipv4.tcp_wmem=1 2 3"]],
  ["echo 1 > /proc/sys/net/ipv4/tcp_sack; echo 2 >/proc/sys/net/ipv4/tcp_ecn", [
    "net.ipv4.tcp_sack=1",
    "net.ipv4.tcp_ecn=2",
  ]],
  ["true && sysctl -q a.b=1 || exit 1", ["a.b=1"]],
  ["# a comment; with = signs\nsysctl -q a.b=1 # and another", ["a.b=1"]],
  ["sysctl -q a.b=1\nexit 0\nsysctl -q a.b=2", ["a.b=1"]],
  ["sh -c 'sysctl -q a.b=1; sysctl -q c.d=2'", ["a.b=1", "c.d=2"]],
  ["ip tcp_metrics flush all > /dev/null 2>&1", []],
  ["ip -4 route change 192.0.2.1 dev tun0 mtu lock 1400 initcwnd 4 proto static", ['route {"mtu":1400,"initcwnd":4}']],
  ["ip route replace default via 192.168.0.2 quickack 1 features ecn", ['route {"quickack":true,"ecn":true}']],
  ["ip route change 192.0.2.1 via 192.168.0.2 rto_min 5ms", ['route {"rto_min_ms":5}']],
  ["ip route show; ip link set dev tun0 up", []],
  ["ip link set dev tun0 mtu 1400; ifconfig tun0 mtu 1300", ['route {"mtu":1400}', 'route {"mtu":1300}']],
  ["ethtool -K tun0 tso off gso off gro on", []],
  ["tc qdisc replace dev tun0 root fq", ['route {"pacing":true}']],
  ["tc qdisc add dev tun0 handle 1: root pfifo limit 10", []],
  ["cp a b; cat a > /dev/null; true", []],
  ["sleep 0.5", ["sleep 500000"]],
];

for (const [text, expected] of FORMS) {
  test(`preamble: ${text.replaceAll("\n", " ")}`, () => assert.deepEqual(settings(text), expected));
}

test("preamble: defaults.sh by any path stands for a list of parameters", () => {
  const expected = settings("./defaults.sh");
  for (const form of ["../../common/defaults.sh", ". ./defaults.sh", "source defaults.sh", "sh ../defaults.sh"]) {
    assert.deepEqual(settings(form), expected);
  }
  for (const one of ["net.ipv4.tcp_rmem=4096 540000 15728640", "net.ipv4.tcp_slow_start_after_idle=0"]) {
    assert.ok(expected.includes(one), one);
  }
});

test("preamble: what comes later wins because it is set later", () => {
  assert.equal(settings("./defaults.sh\nsysctl -q net.ipv4.tcp_ecn=1").at(-1), "net.ipv4.tcp_ecn=1");
});

test("preamble: each setting knows its line", () => {
  const commands = splitCommands("a.pkt", "\nsysctl -q a.b=1 \\\n c.d=2\nsysctl -q e.f=3", 10);
  assert.deepEqual(settingsOf("a.pkt", commands).map(({ line }) => line), [11, 11, 13]);
});
