/** Transfers through links that lose, reorder, double and damage packets, both ways, against the kernel. */
import assert from "node:assert/strict";
import test from "node:test";
import type { PathLinkStatistics } from "../../src/endpoint/emulated_path.ts";
import { echo, source } from "../../src/endpoint/session.ts";
import type { LinkDirection, PathLink } from "../../src/scenario/types.ts";
import { assertPattern, exchange, kernelAccept, kernelConnect, withWire } from "./wire.ts";

const BYTES = 2_000_000;
const LINK: PathLink = { rate: "100Mbps", delay: "5ms", queue: { kind: "droptail", limit: "1000pkt" } };

interface Impairment {
  both: LinkDirection;
  /** How often it has hit. */
  hits: (link: PathLinkStatistics) => number;
}

const IMPAIRMENTS: Record<string, Impairment> = {
  "5 % loss": { both: { loss: { kind: "bernoulli", p: 0.05 } }, hits: ({ drops }) => drops.loss },
  "reordering": { both: { reorder: { p: 0.02, delay: "4ms" } }, hits: ({ reordered }) => reordered },
  "duplication": { both: { duplicate: { p: 0.05 } }, hits: ({ duplicated }) => duplicated },
  "corruption": { both: { corrupt: { p: 0.02 } }, hits: ({ corrupted }) => corrupted },
  "all of them": {
    both: {
      loss: { kind: "bernoulli", p: 0.01 },
      reorder: { p: 0.02, delay: "3ms" },
      duplicate: { p: 0.02 },
      corrupt: { p: 0.01 },
      jitter: "1ms",
    },
    hits: ({ drops, reordered, duplicated, corrupted }) => Math.min(drops.loss, reordered, duplicated, corrupted),
  },
};

for (const [name, { both, hits }] of Object.entries(IMPAIRMENTS)) {
  const link: PathLink = { ...LINK, ...both, reverse: both };

  test(`${name}: what Linux sends and gets back is whole`, async () => {
    await withWire({ link }, async ({ live, engine }) => {
      live.listen(7, echo);
      assertPattern(await exchange(await kernelConnect(engine, 7), BYTES), BYTES);
      for (const direction of live.statistics().links) assert.ok(hits(direction) > 0, `no hit: ${direction.id}`);
    });
  });

  test(`${name}: what the engine sends to Linux, and Linux to it, is whole`, async () => {
    await withWire({ link }, async ({ live, kernel6 }) => {
      const server = await kernelAccept(kernel6);
      const over = live.connect(kernel6, server.port, () => source(BYTES, true));
      assertPattern(await exchange(await server.socket, BYTES), BYTES);
      const { error, sha256, bytes_received } = await over;
      assert.equal(error, null);
      assertPattern({ bytes: bytes_received, sha256: sha256! }, BYTES);
      server.close();
    });
  });
}
