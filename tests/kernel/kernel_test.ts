/** The engine against a real Linux kernel, in network namespaces that come and go with each file of tests. */
import test from "node:test";
import { needsKernel, testInNamespace } from "./namespace.ts";

const FILES = {
  "transfers both ways, over IPv4 and IPv6": "inside_transfers.ts",
  "lossy, reordering, doubling and damaging links": "inside_impaired.ts",
  "what is agreed on": "inside_options.ts",
  "congestion controls": "inside_congestion.ts",
  "cwnd attach": "inside_attach.ts",
  "half-close, zero window, resets, ICMP": "inside_closing.ts",
};

const options = needsKernel();
for (const [name, file] of Object.entries(FILES)) {
  test(`a real kernel: ${name}`, options, () => testInNamespace(file));
}
