/** The tables `cwnd run` prints: flows or their groups, the links that matter, all flows together. */
import Table from "cli-table3";
import { jainIndex, mean } from "../../results/stats.ts";
import type { DatagramResult, FlowResult, LinkResult, RunResult } from "../../results/types.ts";
import { byGroup } from "../columns.ts";
import { count, digits, mebibytes, milliseconds, percent, rate, seconds } from "../format.ts";
import type { Style } from "./charts.ts";

/** More flows than this are shown as groups. */
const FLOWS_MAX = 20;
/** From this utilization on a link is worth a row. */
const BUSY = 0.1;
/** Links shown beside the bottleneck, when they dropped or marked packets. */
const LINKS_MAX = 4;

/** One column of a table: its heading and the text of a row. Numbers stand to the right. */
interface Column<Row> {
  head: string;
  text: (row: Row) => string;
  left?: boolean;
}

/** Heading, tables and totals of a run as text. */
export function tablesText(result: RunResult, style: Style): string {
  const { flows, datagrams, links } = result;
  return [
    headingText(result, style),
    ...flows.length > 0 ? [flowsText(flows, style)] : [],
    ...datagrams.length > 0 ? [datagramsText(datagrams, style)] : [],
    linksText(links, style),
    ...flows.length > 0 ? [aggregateText(result, style)] : [],
  ].join("\n");
}

function headingText(result: RunResult, style: Style): string {
  const lines = [
    style.bold(result.name),
    style.faint(`seed ${result.seed}, digest ${result.digest}`),
    style.faint(
      `${seconds(result.simulated_s)} simulated in ${seconds(result.wall_s)}: ${
        count(result.segments_delivered)
      } segments ` +
        `(${count(result.segments_per_wall_s)}/s), ${count(result.events)} events, ${mebibytes(result.memory_bytes)}`,
    ),
  ];
  if (result.partial) lines.push(style.bold(`partial: stopped at ${seconds(result.simulated_s)} of simulated time`));
  return lines.join("\n") + "\n";
}

function flowsText(flows: FlowResult[], style: Style): string {
  if (flows.length > FLOWS_MAX) return draw(groupColumns(flows), [...byGroup(flows).values()], style);
  return draw(flowColumns(flows), flows, style);
}

function flowColumns(flows: FlowResult[]): Column<FlowResult>[] {
  const columns: Column<FlowResult>[] = [
    { head: "flow", text: (flow) => `${flow.group} ${flow.id}`, left: true },
    { head: "cc", text: (flow) => flow.cc, left: true },
    { head: "throughput", text: (flow) => rate(flow.throughput_bps) },
    { head: "sent", text: (flow) => count(flow.segments_sent) },
    { head: "retransmits", text: (flow) => retransmits([flow]) },
    { head: "RTOs", text: (flow) => count(flow.rtos) },
    { head: "cwnd mean", text: (flow) => digits(flow.cwnd_mean) },
    { head: "max", text: (flow) => digits(flow.cwnd_max) },
    { head: "RTT min", text: (flow) => milliseconds(flow.min_rtt_ms) },
    { head: "mean", text: (flow) => milliseconds(flow.rtt_ms_mean) },
  ];
  if (flows.some((flow) => flow.fct_s !== null)) {
    columns.push({ head: "completed", text: (flow) => milliseconds(flow.fct_s === null ? null : flow.fct_s * 1000) });
  }
  return columns;
}

function groupColumns(flows: FlowResult[]): Column<FlowResult[]>[] {
  const over =
    (of: (flow: FlowResult) => number, fold: (values: number[]) => number) => (group: FlowResult[]): number =>
      fold(group.map(of).filter((value) => Number.isFinite(value)));
  const throughput = (flow: FlowResult): number => flow.throughput_bps;
  const columns: Column<FlowResult[]>[] = [
    { head: "flows", text: (group) => group[0].group, left: true },
    { head: "count", text: (group) => count(group.length) },
    { head: "cc", text: (group) => group[0].cc, left: true },
    { head: "throughput mean", text: (group) => rate(over(throughput, mean)(group)) },
    { head: "min", text: (group) => rate(over(throughput, least)(group)) },
    { head: "max", text: (group) => rate(over(throughput, most)(group)) },
    { head: "Jain", text: (group) => digits(over((flow) => flow.goodput_bps, jainIndex)(group)) },
    { head: "retransmits", text: retransmits },
    { head: "RTOs", text: (group) => count(sum(group, (flow) => flow.rtos)) },
    { head: "cwnd mean", text: (group) => digits(over((flow) => flow.cwnd_mean, mean)(group)) },
    { head: "RTT mean", text: (group) => milliseconds(over((flow) => flow.rtt_ms_mean, mean)(group)) },
  ];
  if (flows.some((flow) => flow.fct_s !== null)) {
    columns.push({ head: "completed", text: (group) => count(sum(group, (flow) => (flow.fct_s === null ? 0 : 1))) });
  }
  return columns;
}

/** A row for each group of sources. */
function datagramsText(sources: DatagramResult[], style: Style): string {
  const total = (group: DatagramResult[], of: (source: DatagramResult) => number): number =>
    group.reduce((sum, source) => sum + of(source), 0);
  const dropped = (group: DatagramResult[]): string => {
    const packets = total(group, (source) => source.packets_dropped);
    return packets === 0 ? "0" : `${count(packets)} (${percent(packets / total(group, (s) => s.packets_sent))})`;
  };
  /** Of those that delivered any, each as often as it did. */
  const delay = (group: DatagramResult[]): number => {
    const heard = group.filter((source) => Number.isFinite(source.delay_ms_mean));
    const sum = total(heard, (source) => source.delay_ms_mean * source.packets_delivered);
    return sum / total(heard, (source) => source.packets_delivered);
  };
  const columns: Column<DatagramResult[]>[] = [
    { head: "datagrams", text: (group) => group[0].group, left: true },
    { head: "sources", text: (group) => count(group.length) },
    { head: "throughput", text: (group) => rate(total(group, (source) => source.throughput_bps)) },
    { head: "sent", text: (group) => count(total(group, (source) => source.packets_sent)) },
    { head: "delivered", text: (group) => count(total(group, (source) => source.packets_delivered)) },
    { head: "dropped", text: dropped },
    { head: "delay mean", text: (group) => milliseconds(delay(group)) },
    { head: "max", text: (group) => milliseconds(Math.max(...group.map((source) => source.delay_ms_max))) },
  ];
  return draw(columns, [...byGroup(sources).values()], style);
}

function linksText(links: LinkResult[], style: Style): string {
  const columns: Column<LinkResult>[] = [
    { head: "link", text: (link) => link.id, left: true },
    { head: "utilization", text: (link) => percent(link.utilization) },
    { head: "packets", text: (link) => count(link.packets) },
    { head: "dropped", text: dropsText },
  ];
  const shown = linksShown(links);
  if (shown.some((link) => link.marks > 0)) columns.push({ head: "marked", text: (link) => count(link.marks) });
  columns.push(
    { head: "queue mean", text: (link) => `${digits(link.queue_packets_mean)} pkt` },
    { head: "max", text: (link) => `${digits(link.queue_packets_max)} pkt` },
    { head: "wait p50", text: (link) => milliseconds(link.queue_delay_ms_p50) },
    { head: "p99", text: (link) => milliseconds(link.queue_delay_ms_p99) },
  );
  return draw(columns, shown, style);
}

/** The bottleneck, or else the busiest link, and after it those that lost or marked most, or are busy too. */
function linksShown(links: LinkResult[]): LinkResult[] {
  const first = links.find((link) => link.id === "bottleneck") ??
    links.reduce<LinkResult | undefined>(
      (a, b) => (a === undefined || b.utilization > a.utilization ? b : a),
      undefined,
    );
  if (first === undefined) return [];
  const trouble = (link: LinkResult): number => link.drops.overflow + link.drops.loss + link.drops.aqm + link.marks;
  const others = links.filter((link) => link !== first && (trouble(link) > 0 || link.utilization >= BUSY))
    .sort((a, b) => trouble(b) - trouble(a) || b.utilization - a.utilization);
  return [first, ...others.slice(0, LINKS_MAX)];
}

/** The number, and in what way where that is not plain overflow. */
function dropsText({ drops }: LinkResult): string {
  const ways = [[drops.overflow, "full"], [drops.loss, "loss"], [drops.aqm, "AQM"]] as const;
  const happened = ways.filter(([packets]) => packets > 0).map(([packets, way]) => `${count(packets)} ${way}`);
  return happened.length === 0 ? "0" : happened.join(", ");
}

function aggregateText({ aggregate, flows }: RunResult, style: Style): string {
  const parts = [
    `throughput ${rate(aggregate.throughput_bps)}`,
    `goodput ${rate(aggregate.goodput_bps)}`,
    `Jain ${digits(aggregate.jain)}`,
    `retransmitted ${percent(aggregate.retransmit_ratio)}`,
  ];
  if (aggregate.fct_ms_p50 !== null) {
    parts.push(`completion p50 ${milliseconds(aggregate.fct_ms_p50)}, p99 ${milliseconds(aggregate.fct_ms_p99)}`);
  }
  return `${style.bold(flows.length === 1 ? "the flow" : `all ${flows.length} flows`)}  ${parts.join(", ")}\n`;
}

function retransmits(flows: FlowResult[]): string {
  const again = sum(flows, (flow) => flow.retransmits);
  const sent = sum(flows, (flow) => flow.segments_sent);
  return again === 0 ? "0" : `${count(again)} (${percent(again / sent)})`;
}

function sum(flows: FlowResult[], of: (flow: FlowResult) => number): number {
  return flows.reduce((total, flow) => total + of(flow), 0);
}

function least(values: number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

function most(values: number[]): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity);
}

/** Rows under headings, with no rules but one under the headings. */
function draw<Row>(columns: Column<Row>[], rows: Row[], style: Style): string {
  const none = { top: "", "top-mid": "", "top-left": "", "top-right": "" };
  const bottom = { bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" };
  const table = new Table({
    head: columns.map((column) => style.faint(column.head)),
    colAligns: columns.map((column) => (column.left ? "left" : "right")),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    chars: {
      ...none,
      ...bottom,
      left: "",
      "left-mid": "",
      mid: "",
      "mid-mid": "",
      right: "",
      "right-mid": "",
      middle: "  ",
    },
  });
  for (const row of rows) table.push(columns.map((column) => column.text(row)));
  return table.toString() + "\n";
}
