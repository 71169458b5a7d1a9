/** The project's own sources as the tests that lint them see them: every file, its text, what it imports. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const NOT_OURS = /^(\.git|node_modules|out|build\/out)(\/|$)/;

/** A source file, by its path from the root of the project. */
export interface Source {
  path: string;
  text: string;
  /** Where it imports from: relative specifiers as paths from the root, all others as they are written. */
  imports: string[];
}

/** Every file under `folder` whose name ends in one of `endings`. */
export function sourcesIn(folder: string, ...endings: string[]): Source[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => !NOT_OURS.test(join(folder, entry.name)))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return sourcesIn(path, ...endings);
      return endings.some((ending) => path.endsWith(ending)) ? [readSource(path)] : [];
    });
}

/** One source file. */
export function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8");
  return { path, text, imports: importsOf(text).map((specifier) => fromRoot(path, specifier)) };
}

/** The module specifiers of a module, static and dynamic. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const specifiers = [
    ...code.matchAll(/^\s*(?:import|export)\b[^;"']*?\bfrom\s*"([^"]+)"/gm),
    ...code.matchAll(/^\s*import\s*"([^"]+)"/gm),
    ...code.matchAll(/\bimport\(\s*"([^"]+)"/g),
  ];
  return specifiers.map(([, specifier]) => specifier);
}

/** The text without its block comments and without its whole-line comments. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

function fromRoot(path: string, specifier: string): string {
  return specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : specifier;
}
