/** What is not understood is refused by name and line, before anything runs. */
import assert from "node:assert/strict";
import test from "node:test";
import { drill } from "../../src/packetdrill/drill.ts";
import { ReplayHost } from "./replay.ts";

const SOCKET = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";

/** A script whose fault is on the last line, and the complaint. */
const REFUSALS: [string, RegExp][] = [
  ["--imagined=1", /:1: unknown option "--imagined"/],
  ["--tolerance_usec=1", /:1: unknown option "--tolerance_usec", did you mean "--tolerance_usecs"\?/],
  ["--wire_client", /:1: unsupported option "--wire_client"/],
  ["--ip_version=ipv5", /:1: --ip_version: found "ipv5", expected "ipv4", "ipv4-mapped-ipv6" or "ipv6"/],
  ["--mtu=many", /:1: --mtu: found "many", expected a whole number/],
  [`${SOCKET}+0 imagine(3) = 0`, /:2: unknown system call "imagine"/],
  [`${SOCKET}+0 acept(3, ..., ...) = 4`, /:2: unknown system call "acept", did you mean "accept"\?/],
  [
    `${SOCKET}+0 setsockopt(3, SOL_SOCKET, SO_REUSADDR, [1], 4) = 0`,
    /:2: unknown symbol "SO_REUSADDR", did you mean "SO_REUSEADDR"\?/,
  ],
  [`${SOCKET}+0 close(3) = -1 EWRONG (No)`, /:2: unknown error "EWRONG"/],
  [`${SOCKET}+0 close(3, 4) = 0`, /:2: close: expected 1 arguments, got 2/],
  [`${SOCKET}+0 close("3") = 0`, /:2: close: argument 1: expected a number/],
  [`${SOCKET}+0 poll({fd=3, event=POLLIN}, 1, 0) = 0`, /:2: poll: argument 1\[0\]: unknown member "event"/],
  [`${SOCKET}+0 < X 0:0(0) win 1`, /:2: unknown TCP flags "X"/],
  [`${SOCKET}+0 < S 0:1(0) win 1`, /:2: the payload of 0:1 is 1 bytes, found \(0\)/],
  [`${SOCKET}+0 < S 0:0(0)`, /:2: an inbound packet needs "win N"/],
  [`${SOCKET}+0 < S 0:0(0) win 1 <...>`, /:2: "<\.\.\.>" stands for what is sent/],
  [`${SOCKET}+0 < S 0:0(0) win 1 <mms 1000>`, /:2: unknown TCP option "mms", did you mean "mss"\?/],
  [`${SOCKET}+0 < S 0:0(0) win 1 <wscale 7>`, /:2: the TCP options are 3 bytes, expected a multiple of 4/],
  [`${SOCKET}+0 < S 0:0(0) win 1 <nop,ECN ceb 1,nop,nop>`, /:2: found AccECN counters "ceb"/],
  [`${SOCKET}+0 < [ect2] S 0:0(0) win 1`, /:2: unknown IP info "ect2"/],
  [`${SOCKET}+0 < udp (10)`, /:2: unsupported packet "udp"/],
  [
    `${SOCKET}+0 < icmp unreachable frag_neede mtu 5`,
    /:2: unknown ICMP code "frag_neede", did you mean "frag_needed"\?/,
  ],
  [`${SOCKET}+0 < icmp packet_too_big mtu 1280 [1:1(0)]`, /:2: ICMP has no type "packet_too_big"/],
  [`${SOCKET}+0 > icmp unreachable`, /:2: unsupported outbound ICMP packet/],
  [`${SOCKET}* close(3) = 0`, /:2: "\*" is for outbound packets only/],
  [`${SOCKET}+0~+1 close(3) = 0`, /:2: a range of time is for outbound packets only/],
  [`${SOCKET}1 close(3) = 0\n.5 close(3) = 0`, /:3: time goes backwards: 0\.5 after 1/],
  [`${SOCKET}close(3) = 0`, /:2: expected a time such as "\+0\.1", got "close\(3\) = 0"/],
  [`${SOCKET}+0 close(3) = 0 /* endless`, /:2: this comment has no end/],
  [`${SOCKET}+0 %{ assert tcpi_snd_cwmd == 1 }%`, /:2: unknown name "tcpi_snd_cwmd", did you mean "tcpi_snd_cwnd"\?/],
  [`${SOCKET}+0 %{ import os }%`, /:2: unsupported statement "import"/],
  [`${SOCKET}+0 %{ assert tcpi_rto ==\n }%`, /:2: expected a value, got the end of the line/],
  [`${SOCKET}+0 \`frobnicate tun0\``, /:2: unknown shell command "frobnicate"/],
  [`${SOCKET}+0 \`sysctl -q net.ipv4.imagined=1\``, /:2: unknown sysctl "net\.ipv4\.imagined"/],
  [`\`sysctl -q net.ipv4.tcp_sack=1\nsysctl -q net.ipv4.imagined=1\``, /:2: unknown sysctl "net\.ipv4\.imagined"/],
  ["`\n\nif true; then sysctl -q a=1; fi`", /:3: unsupported shell command "if"/],
  ["`sysctl -q a=$B`", /:1: unsupported variable in a shell command/],
  ["`ss -nt | grep x`", /:1: unsupported "\|" in a shell command/],
  ["`tc qdisc add dev tun0 root netem delay 10ms`", /:1: unsupported "tc qdisc add" of "netem"/],
  ["`ip route change 192.0.2.1 dev tun0 realm 5`", /:1: ip route: unsupported "realm"/],
  ["`ip rule add from all`", /:1: unsupported "ip rule add from all"/],
  ["`ethtool -K tun0 warp on`", /:1: ethtool: unknown offload "warp"/],
  ["`echo 1 > /etc/passwd`", /:1: unsupported redirection to \/etc\/passwd/],
];

for (const [text, message] of REFUSALS) {
  const last = text.trimEnd().split("\n").at(-1);
  test(`refused: ${last}`, async () => {
    const whole = text.includes("socket(") ? text : `${text}\n${SOCKET}`;
    const host = new ReplayHost({ packets: [], calls: [{ call: "socket", result: 3 }], infos: [] });
    const report = await drill("a.pkt", whole, () => Promise.resolve(host));
    assert.equal(report.outcome, "refused");
    assert.match(report.message!, message);
    assert.ok(report.message!.startsWith("a.pkt:"));
  });
}
