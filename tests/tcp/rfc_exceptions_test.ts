/** docs/rfc_exceptions.toml says of every departure what, why and where, and the place exists. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const root = new URL("../../", import.meta.url);
const text = readFileSync(new URL("docs/rfc_exceptions.toml", root), "utf8");
const exceptions = text.split("[[exception]]\n").slice(1);

test("rfc exceptions: each has its clause, what is done instead, why, and a source file that exists", () => {
  assert.ok(exceptions.length > 10);
  for (const exception of exceptions) {
    const form = /^rfc = (\d+)\nsection = ".+"\nwhat = ".+\."\nwhy = ".+\."\nwhere = "(assembly\/[\w/]+\.ts)"\n*$/;
    const match = form.exec(exception) ?? assert.fail(`not of the form rfc, section, what, why, where:\n${exception}`);
    assert.ok(readFileSync(new URL(match[2], root), "utf8").length > 0, match[2]);
  }
});

test("rfc exceptions: the RFC of a departure is named in the file that departs", () => {
  for (const exception of exceptions) {
    const [, rfc] = /^rfc = (\d+)/.exec(exception)!;
    const [, where] = /where = "(.+)"/.exec(exception)!;
    const source = readFileSync(new URL(where, root), "utf8");
    assert.ok(source.includes(`RFC ${rfc}`), `${where} does not name RFC ${rfc}`);
  }
});
