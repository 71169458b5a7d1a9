#!/usr/bin/env node
/**
 * The command `cwnd`: reads the command line, runs one verb, and turns its outcome into an exit status. Works alike in
 * Node, Deno and Bun; `deno run -A jsr:@cwnd/cwnd/cli` runs it without installing anything.
 *
 * @module
 */
import process from "node:process";
import { Command, CommanderError, Option } from "commander";
import { CoreTrapError, ScenarioError } from "../mod.ts";
import { nearest } from "../scenario/words.ts";
import { VERSION } from "../version.ts";
import { attach } from "./attach.ts";
import { DONE, FAILED, FailedError, UsageError, WRONG } from "./errors.ts";
import { list } from "./list.ts";
import { LANGUAGE_OPTIONS, packetdrill } from "./packetdrill.ts";
import { run } from "./run.ts";
import { schema } from "./schema.ts";

/** The command line's grammar. What a verb returns becomes the exit status. */
function grammar(done: (status: number) => void): Command {
  const program = new Command("cwnd")
    .description("A TCP engine and congestion laboratory")
    .usage("VERB ...")
    .version(VERSION)
    .exitOverride()
    // Errors are printed in one place, below, as one line.
    .configureOutput({ writeErr: () => {} })
    .helpCommand(false);

  program.command("run")
    .description("run one scenario: tables and charts for people, --json for programs")
    .argument("<FILE>", "scenario file")
    .option("--set <path=value>", "change one field of the scenario, such as flows[0].cc=reno; repeatable", collect, [])
    .option("--seed <S>", "seed of all random streams")
    .option("--duration <D>", 'simulated time, such as "30s"')
    .option("--json", "print the result as one JSON document")
    .option("--out <DIR>", "keep summary, series and figures in a folder")
    .option("--pcap <FILE>", "capture packets to a pcapng file")
    .option("--quiet", "print nothing but errors")
    .action(async (file, options) => done(await run(file, options)));

  program.command("attach")
    .description("put the engine on a TUN device or UDP tunnel, in real time")
    .option("--udp <PORT>", "UDP port of this end of the tunnel")
    .option("--peer <PORT>", "UDP port of the other end")
    .option("--tun <NAME>", "make a TUN device behind the other end, by socat")
    .option("--address <A>", "IPv4 address of the engine", "10.77.0.2")
    .option("--address6 <A>", "IPv6 address of the engine", "fd77::2")
    .option("--mtu <BYTES>", "largest packet")
    .option("--listen <PORT>", "accept connections")
    .option("--connect <HOST:PORT>", "make a connection, and end with it")
    .option("--respond <PROTOCOL>", "answer requests: http")
    .option("--echo", "send back what comes")
    .option("--sink", "read what comes")
    .option("--source [BYTES]", "send so many bytes, or no end of them")
    .option("--link <FILE>", "put the links of a scenario in between, the engine at their right end")
    .option("--cc <NAME>", "congestion control of its connections")
    .option("--sysctl <name=value>", "set a parameter by its Linux name; repeatable", collect, [])
    .option("--checksum", "sum up what is received, SHA-256")
    .option("--duration <D>", 'end after a time, such as "30s"')
    .option("--json", "print statistics as one JSON document at the end")
    .action(async (options) => done(await attach(options)));

  program.command("list")
    .description("list what a scenario can name, each with its source and parameters")
    .argument("<WHAT>", "cc, qdisc, topology, workload or loss")
    .option("--json", "print the list as one JSON document")
    .action(async (what, options) => done(await list(what, options)));

  const drill = program.command("packetdrill")
    .description("run packetdrill scripts against the engine, in virtual time")
    .argument("<FILE...>", "scripts")
    .option("-D <NAME=value>", "put a value in place of a word of the scripts; repeatable", collect, [])
    .option("--json", "print one JSON document")
    .option("--verbose", "print every packet")
    .option("--strict-end", "fail a script if packets are left over at its end")
    .action(async (files, options) => done(await packetdrill(files, options)));
  // Scripts spell options with "_", as they may be given here; "-" is the way of the other verbs
  for (const name of LANGUAGE_OPTIONS) {
    drill.addOption(new Option(`--${name.replaceAll("_", "-")} [value]`, "as at the head of a script").hideHelp());
  }

  program.command("schema")
    .description("print the JSON Schema of scenario files")
    .action(async () => done(await schema()));

  return program;
}

function collect(value: string, values: string[]): string[] {
  return [...values, value];
}

/** Runs the command and returns the exit status. */
async function main(args: string[]): Promise<number> {
  let status = DONE;
  const program = grammar((verbStatus) => status = verbStatus);
  try {
    if (args.length === 0) throw new UsageError(`cwnd: no verb found, expected one of ${verbs(program).join(", ")}`);
    refuseUnknownVerb(program, args[0]);
    await program.parseAsync(withDashes(args), { from: "user" });
    return status;
  } catch (error) {
    return report(error, args[0]);
  }
}

/** `--tolerance_usecs=1` as `--tolerance-usecs=1`: options of packetdrill may be spelled as in its scripts. */
function withDashes([verb, ...args]: string[]): string[] {
  if (verb !== "packetdrill") return [verb, ...args];
  return [
    verb,
    ...args.map((arg) => arg.replace(/^--[a-z0-9_]+/, (name) => name.replaceAll("_", "-"))),
  ];
}

/** Ahead of commander, whose message would not list the verbs. */
function refuseUnknownVerb(program: Command, verb: string): void {
  const known = verbs(program);
  if (verb.startsWith("-") || known.includes(verb)) return;
  const near = nearest(verb, known);
  const hint = near === undefined ? `expected one of ${known.join(", ")}` : `did you mean "${near}"?`;
  throw new UsageError(`cwnd: unknown verb "${verb}", ${hint}`);
}

function verbs(program: Command): string[] {
  return program.commands.map((command) => command.name());
}

/** Prints an error as one line and returns its exit status. */
function report(error: unknown, verb: string): number {
  if (error instanceof CommanderError) {
    // Asking for help is not an error, but commander reports it as one.
    if (error.exitCode === 0) return DONE;
    return complain(commanderMessage(error, verb), WRONG);
  }
  if (error instanceof UsageError || error instanceof ScenarioError) return complain(error.message, WRONG);
  if (error instanceof FailedError || error instanceof CoreTrapError) return complain(error.message, FAILED);
  // Anything else is a defect of ours, and where it happened is worth more than one line.
  return complain(error instanceof Error ? error.stack ?? error.message : String(error), FAILED);
}

function complain(message: string, status: number): number {
  process.stderr.write(`${message}\n`);
  return status;
}

/** `error: unknown option '--sead'\n(Did you mean --seed?)` as `cwnd run: unknown option "--sead", did you mean "--seed"?` */
function commanderMessage(error: CommanderError, verb: string): string {
  return error.message
    .replace(/^error: /, verb.startsWith("-") ? "cwnd: " : `cwnd ${verb}: `)
    .replace(/\s*\(Did you mean (.+)\?\)$/, ", did you mean '$1'?")
    .replace(/\. Expected/, ", expected")
    .replaceAll("'", '"')
    .replace(/\.$/, "");
}

// Not a top-level await, which a CommonJS build could not hold; nor process.exit, which cuts off what is being printed.
main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
