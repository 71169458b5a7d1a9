/** A script made ready to run: options applied, commands understood, calls with their arguments read. */
import { ArgumentError } from "./args.ts";
import { prepareCall, type PreparedCall } from "./calls.ts";
import { type Config, defaultConfig, finishConfig, OptionError, setOption } from "./config.ts";
import { ScriptError } from "./error.ts";
import { icmpNumbers } from "./icmp_names.ts";
import { parseScript } from "./parse.ts";
import { type Setting, settingsOf } from "./preamble.ts";
import { splitCommands } from "./shell.ts";
import type { Event, Script, SystemCall } from "./syntax.ts";

/** What the command line adds to a script; it goes before what the script says itself. */
export interface Overrides {
  /** `name` and `value` of options such as `tolerance_usecs`. */
  readonly options?: readonly (readonly [string, string | undefined])[];
  /** Words to replace. */
  readonly defines?: ReadonlyMap<string, string>;
}

/** An event, and what was prepared for it. */
export interface PreparedEvent {
  readonly event: Event;
  readonly call?: PreparedCall;
  readonly settings?: readonly Setting[];
}

/** A script that can run. */
export interface PreparedScript {
  readonly file: string;
  readonly config: Config;
  readonly init: readonly Setting[];
  readonly events: readonly PreparedEvent[];
}

/** Reads a script; a `ScriptError` says what in it is not understood or not supported. */
export function prepareScript(file: string, text: string, overrides: Overrides = {}): PreparedScript {
  const script = parseScript(file, text, overrides.defines);
  const config = configOf(script, overrides);
  const init = [...initFiles(file, config), ...settingsOf(file, script.init)];
  return { file, config, init, events: script.events.map((event) => prepareEvent(file, config, event)) };
}

function configOf(script: Script, overrides: Overrides): Config {
  const config = defaultConfig();
  for (const { line, name, value } of script.options) {
    try {
      setOption(config, name, value);
    } catch (error) {
      throw error instanceof OptionError ? new ScriptError(script.file, line, error.message) : error;
    }
  }
  for (const [name, value] of overrides.options ?? []) setOption(config, name, value);
  return finishConfig(config);
}

function initFiles(file: string, config: Config): Setting[] {
  return config.initScripts.flatMap((path) => settingsOf(file, splitCommands(file, path, 1)));
}

function prepareEvent(file: string, config: Config, event: Event): PreparedEvent {
  const { action } = event;
  if (action.kind === "shell") return { event, settings: settingsOf(file, action.commands) };
  if (action.kind === "call") return { event, call: prepareArguments(file, event.line, action.call) };
  if (action.kind === "inbound" && action.packet.kind === "icmp") {
    const numbers = icmpNumbers(config.ipVersion === "ipv6", action.packet.type, action.packet.code);
    if (typeof numbers === "string") throw new ScriptError(file, event.line, numbers);
  }
  return { event };
}

function prepareArguments(file: string, line: number, call: SystemCall): PreparedCall {
  try {
    if (call.result.kind !== "number" && call.result.kind !== "any") {
      throw new ArgumentError("expected a number as its result");
    }
    return prepareCall(call.name, call.args);
  } catch (error) {
    throw error instanceof ArgumentError ? new ScriptError(file, line, `${call.name}: ${error.message}`) : error;
  }
}
