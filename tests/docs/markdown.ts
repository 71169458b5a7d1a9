/** The project's documents as the tests see them: their fenced blocks, their links, the files that they name. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";

/** The root of the project. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A document's text, by its path from the root. */
export function readDocument(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The fenced blocks of one language. */
export function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\S*)\n([^]*?)^```$/gm)].filter((match) => match[1] === language).map((match) =>
    match[2]
  );
}

/** The text without its fenced blocks. */
function proseOf(text: string): string {
  return text.replace(/^```[^]*?^```$/gm, "");
}

/** Where links and pictures point, addresses of the network left out. */
export function linksOf(text: string): string[] {
  return [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

/** The files and folders named in `code`: what ends in a suffix of ours or in a slash. A capital stands for any name. */
export function filesNamedIn(text: string): string[] {
  return [...proseOf(text).matchAll(/`([\w.@-]+(?:\/[\w.@-]+)*(?:\.(?:ts|md|json|toml|cc|svg)|\/))`/g)]
    .map(([, name]) => name)
    .filter((name) => !/[A-Z]{3,}\.ts$/.test(name));
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...proseOf(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );
}

/** Whether a link in the document at `path` leads somewhere. */
export function linkResolves(path: string, link: string): boolean {
  const [file, anchor] = link.split("#");
  const target = file === "" ? path : normalize(join(dirname(path), file));
  if (!existsSync(join(ROOT, target))) return false;
  return anchor === undefined || anchorsOf(readDocument(target)).includes(anchor);
}

/** The rows of every table, each as its cells. */
export function rowsOf(text: string): string[][] {
  return text.split("\n").filter((line) => line.startsWith("|") && !/^[|\s:-]+$/.test(line))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}
