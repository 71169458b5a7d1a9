/** `cwnd attach`: the engine on a TUN device or a UDP tunnel, in real time, with a small service for whoever connects. */
import process from "node:process";
import { EmulatedPath, type EmulatedScenario } from "../endpoint/emulated_path.ts";
import { http } from "../endpoint/http.ts";
import { type ConnectionReport, LiveHost, type LiveStatistics } from "../endpoint/live_host.ts";
import { type Application, echo, sink, source } from "../endpoint/session.ts";
import { ipCommands, openTun, socatCommand, type Tun, type TunOptions } from "../endpoint/tun.ts";
import { rate, seconds } from "../report/format.ts";
import { VERSION } from "../version.ts";
import { type AttachOptions, type AttachPlan, attachPlan, type Service } from "./attach_options.ts";
import { DONE, FAILED, FailedError, INTERRUPTED, UsageError } from "./errors.ts";
import { readScenarioFile } from "./scenario_file.ts";
import { print } from "./terminal.ts";

/** Runs the verb until its connection is over, its time is up, or Ctrl-C; returns the exit status. */
export async function attach(options: AttachOptions): Promise<number> {
  const plan = attachPlan(options);
  const path = plan.link === undefined
    ? undefined
    : await EmulatedPath.create(readScenarioFile(plan.link) as EmulatedScenario, plan.link);
  const live = await openHost(plan, path);
  let tun: Tun | undefined;
  try {
    if (plan.listen !== undefined) live.listen(plan.listen, application(plan));
    tun = await openDevice(plan);
    process.stderr.write(greeting(plan));
    const status = await ended(live, plan);
    const statistics = live.statistics();
    if (plan.json) await print([JSON.stringify({ version: VERSION, ...statistics }, null, 2) + "\n"]);
    else await print([statisticsText(statistics)]);
    return status;
  } finally {
    await live.close();
    await tun?.close();
  }
}

async function openHost(plan: AttachPlan, path: EmulatedPath | undefined): Promise<LiveHost> {
  try {
    return await LiveHost.open({
      tunnel: { port: plan.port, peerPort: plan.peerPort },
      addresses: [plan.address, plan.address6],
      sysctls: Object.fromEntries(plan.sysctls),
      congestionControl: plan.cc,
      mtu: plan.mtu,
      path,
    });
  } catch (error) {
    throw new UsageError(`cwnd attach: ${(error as Error).message}`);
  }
}

async function openDevice(plan: AttachPlan): Promise<Tun | undefined> {
  if (plan.tun === undefined) return undefined;
  try {
    return await openTun(tunOptions(plan, plan.tun));
  } catch (error) {
    throw new FailedError(`--tun: ${(error as Error).message}`);
  }
}

/** The kernel takes the first address of the network, or the second when the engine has the first. */
function tunOptions({ port, peerPort, address, address6, mtu }: AttachPlan, name: string): TunOptions {
  const network = address.replace(/\d+$/, "");
  const network6 = address6.replace(/[0-9a-f]*$/i, "");
  return {
    name,
    port,
    peerPort,
    address: `${network}${address === `${network}1` ? 2 : 1}/24`,
    address6: `${network6}${address6 === `${network6}1` ? 2 : 1}/64`,
    mtu,
  };
}

function application({ service, checksum }: { service: Service; checksum: boolean }): Application {
  switch (service.kind) {
    case "http":
      return http;
    case "echo":
      return echo;
    case "sink":
      return () => sink(checksum);
    case "source":
      return () => source(service.bytes, checksum);
  }
}

/** Resolves with the exit status. */
function ended(live: LiveHost, plan: AttachPlan): Promise<number> {
  return new Promise((resolve, reject) => {
    // Only the first Ctrl-C is ours: after it, the signal ends the process as usual.
    const stop = (): void => finish(() => resolve(plan.connect === undefined ? DONE : INTERRUPTED));
    const timer = plan.durationNs === undefined
      ? undefined
      : setTimeout(() => finish(() => resolve(DONE)), plan.durationNs / 1e6);
    const finish = (say: () => void): void => {
      clearTimeout(timer);
      process.removeListener("SIGINT", stop);
      process.removeListener("SIGTERM", stop);
      say();
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
    live.failure.catch((error) => finish(() => reject(error)));
    if (plan.connect === undefined) return;
    live.connect(plan.connect.address, plan.connect.port, application(plan)).then(
      ({ error }) => finish(() => resolve(error === null ? DONE : FAILED)),
      (error) => finish(() => reject(new FailedError(`cwnd attach: ${error.message}`))),
    );
  });
}

/** What people need to know to reach the engine. */
function greeting(plan: AttachPlan): string {
  const { port, peerPort, address, address6, listen, tun } = plan;
  const lines = [`${address} and ${address6} in UDP datagrams, 127.0.0.1:${port} from and to 127.0.0.1:${peerPort}`];
  if (tun === undefined) {
    const device = tunOptions(plan, "cwnd0");
    lines.push("as root, this makes it a network device:");
    for (const command of [socatCommand(device), ...ipCommands(device)]) lines.push(`  ${command.join(" ")}`);
  }
  if (listen !== undefined && plan.service.kind === "http") lines.push(`then: curl http://${address}:${listen}/`);
  return lines.join("\n") + "\n";
}

function statisticsText({ wall_s, wire, links, connections }: LiveStatistics): string {
  const lines = [
    `${seconds(wall_s)}: ${wire.packetsIn} packets in, ${wire.packetsOut} out`,
    ...links.map(({ id, packets, drops, duplicated, reordered, corrupted }) =>
      `${id}: ${packets} packets, ${drops.overflow} dropped by the queue, ${drops.loss} lost, ` +
      `${duplicated} doubled, ${reordered} reordered, ${corrupted} damaged`
    ),
    ...connections.map((connection) => connectionText(connection, wall_s)),
  ];
  return lines.join("\n") + "\n";
}

function connectionText(
  { peer, opened_s, closed_s, bytes_received, bytes_sent, error }: ConnectionReport,
  now_s: number,
): string {
  const lasted_s = (closed_s ?? now_s) - opened_s;
  const speed = (bytes: number): string => `${bytes} bytes (${rate(lasted_s === 0 ? 0 : bytes * 8 / lasted_s)})`;
  const end = error ?? (closed_s === null ? "still open" : "closed");
  return `${peer}: ${speed(bytes_received)} in, ${speed(bytes_sent)} out, ${seconds(lasted_s)}, ${end}`;
}
