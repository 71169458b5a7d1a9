/** The text of a script as a tree. What is not understood is refused here, before anything runs. */
import { codeParser } from "./parse_code.ts";
import { DEFINE, readDefine } from "./config.ts";
import { OptionError } from "./config.ts";
import { ScriptError } from "./error.ts";
import { parseCall } from "./parse_call.ts";
import { parsePacket } from "./parse_packet.ts";
import { Scanner, substitute } from "./scanner.ts";
import { splitCommands } from "./shell.ts";
import type { Action, Event, EventTime, Script, ScriptOption, ShellCommand } from "./syntax.ts";

const OPTION = /--[A-Za-z0-9_-]+(?:=(?:"[^"\n]*"|[^\s"]*))?/y;

/** Reads a script. `defines` are the words that the command line replaces. */
export function parseScript(file: string, text: string, defines: ReadonlyMap<string, string> = new Map()): Script {
  const head = new Scanner(file, text);
  const options = parseOptions(head);
  const scanner = new Scanner(file, substitute(text, allDefines(file, options, defines)));
  parseOptions(scanner);

  const readCode = codeParser(file);
  const init: ShellCommand[] = [];
  while (scanner.sees("`")) init.push(...parseShell(scanner));
  const events: Event[] = [];
  while (!scanner.done && !scanner.sees("`")) events.push(parseEvent(scanner, events.at(-1), readCode));
  // What cleans a machine up changes nothing that a script could see: it is passed over unread
  while (scanner.sees("`")) shellText(scanner);
  if (!scanner.done) scanner.fail(`expected nothing after the cleanup commands, got ${scanner.snippet()}`);
  if (events.length === 0) scanner.fail("found no event");
  return { file, options, init, events };
}

function parseOptions(scanner: Scanner): ScriptOption[] {
  const options: ScriptOption[] = [];
  for (;;) {
    const line = scanner.line;
    const text = scanner.token(OPTION);
    if (text === undefined) return options;
    const equals = text.indexOf("=");
    options.push({
      line,
      name: text.slice(2, equals < 0 ? undefined : equals),
      value: equals < 0 ? undefined : text.slice(equals + 1).replace(/^"(.*)"$/, "$1"),
    });
  }
}

/** Words that the script defines itself; the command line's come first. */
function allDefines(file: string, options: ScriptOption[], given: ReadonlyMap<string, string>): Map<string, string> {
  const defines = new Map<string, string>();
  for (const option of options.filter(({ name }) => name === DEFINE)) {
    try {
      defines.set(...readDefine(option.value));
    } catch (error) {
      throw error instanceof OptionError ? new ScriptError(file, option.line, `--${error.message}`) : error;
    }
  }
  for (const [name, value] of given) defines.set(name, value);
  return defines;
}

type CodeReader = ReturnType<typeof codeParser>;

function parseEvent(scanner: Scanner, before: Event | undefined, readCode: CodeReader): Event {
  const line = scanner.line;
  const time = parseTime(scanner);
  if (before === undefined && time.kind === "any") scanner.fail("the first event needs a time", line);
  if (time.kind === "absolute" && before?.time.kind === "absolute" && time.at < before.time.at) {
    scanner.fail(`time goes backwards: ${time.at / 1e6} after ${before.time.at / 1e6}`, line);
  }
  const action = parseAction(scanner, time, readCode);
  const outboundOnly = time.kind === "any" || time.until !== undefined;
  if (outboundOnly && action.kind !== "outbound") {
    scanner.fail(`${time.kind === "any" ? '"*"' : "a range of time"} is for outbound packets only`, line);
  }
  return { line, time, action };
}

/** `+T`, `T`, `+T~+T2`, `T~T2`, `*`. The blank behind is passed over, but not the dots of a blocking call. */
function parseTime(scanner: Scanner): EventTime {
  if (scanner.accept("*")) return { kind: "any" };
  const kind = scanner.accept("+") ? "relative" : "absolute";
  const at = scanner.micros('a time such as "+0.1"');
  if (scanner.sees("...")) return { kind, at };
  scanner.skipBlank();
  if (!scanner.accept("~")) return { kind, at };
  if (kind === "relative") scanner.expect("+");
  const line = scanner.line;
  const until = scanner.micros("the end of a range of time");
  scanner.skipBlank();
  if (until < at) scanner.fail(`the range of time ends at ${until / 1e6}, before it begins`, line);
  return { kind, at, until };
}

function parseAction(scanner: Scanner, time: EventTime, readCode: CodeReader): Action {
  if (scanner.accept("<")) return { kind: "inbound", packet: parsePacket(scanner, true) };
  if (scanner.accept(">")) {
    const packet = parsePacket(scanner, false);
    if (packet.kind !== "tcp") scanner.fail("unsupported outbound packet");
    return { kind: "outbound", packet };
  }
  if (scanner.sees("`")) return { kind: "shell", commands: parseShell(scanner) };
  if (scanner.sees("%{")) return parseCode(scanner, readCode);
  let returnsAt: number | undefined;
  if (scanner.accept("...")) {
    const line = scanner.line;
    scanner.accept("+");
    returnsAt = scanner.micros("the time at which the call returns");
    scanner.skipBlank();
    if (time.kind !== "any" && returnsAt < time.at) {
      scanner.fail(`the call returns at ${returnsAt / 1e6}, before it starts`, line);
    }
  }
  return { kind: "call", call: parseCall(scanner), returnsAt };
}

function parseShell(scanner: Scanner): ShellCommand[] {
  const line = scanner.line;
  return splitCommands(scanner.file, shellText(scanner), line);
}

function shellText(scanner: Scanner): string {
  const text = scanner.token(/`[^`]*`/y);
  if (text === undefined) scanner.fail('expected the closing "`" of these commands');
  return text.slice(1, -1);
}

function parseCode(scanner: Scanner, readCode: CodeReader): Action {
  const line = scanner.line;
  const text = scanner.token(/%\{[\s\S]*?\}%/y);
  if (text === undefined) scanner.fail('expected the closing "}%" of this code', line);
  return { kind: "code", statements: readCode(text.slice(2, -2), line) };
}
