/** Bytes between the kernel and the engine: each as client and as server, over IPv4 and IPv6, both ways at once. */
import assert from "node:assert/strict";
import process from "node:process";
import test from "node:test";
import { http } from "../../src/endpoint/http.ts";
import { echo, source } from "../../src/endpoint/session.ts";
import { assertPattern, exchange, kernelAccept, kernelConnect, patternSum, runProgram, withWire } from "./wire.ts";

/** The large transfer; CWND_KERNEL_BYTES takes its place. */
const LARGE = Number(process.env.CWND_KERNEL_BYTES ?? 100_000_000);

for (const [bytes, name] of [[1, "1 byte"], [LARGE, `${LARGE} bytes`]] as const) {
  for (const family of ["IPv4", "IPv6"] as const) {
    test(`Linux as client: ${name} both ways at once over ${family}`, async () => {
      await withWire({}, async ({ live, engine, engine6 }) => {
        live.listen(7, echo);
        const socket = await kernelConnect(family === "IPv4" ? engine : engine6, 7);
        assertPattern(await exchange(socket, bytes), bytes);
      });
    });

    test(`Linux as server: ${name} both ways at once over ${family}`, async () => {
      await withWire({}, async ({ live, kernel, kernel6 }) => {
        const address = family === "IPv4" ? kernel : kernel6;
        const server = await kernelAccept(address);
        const over = live.connect(address, server.port, () => source(bytes, true));
        assertPattern(await exchange(await server.socket, bytes), bytes);
        const { error, sha256, bytes_received } = await over;
        assert.deepEqual({ error, sha256, bytes_received }, {
          error: null,
          sha256: patternSum(bytes),
          bytes_received: bytes,
        });
        server.close();
      });
    });
  }
}

test("curl: fetches a page and a million bytes, and sends as many, over one connection", async () => {
  await withWire({}, async ({ live, engine }) => {
    live.listen(80, http);
    const at = (path: string): string => `http://${engine}${path}`;
    const page = await runProgram("curl", "-sS", "--max-time", "10", at("/"));
    assert.deepEqual([page.status, page.stderr], [0, ""]);
    assert.match(page.stdout, /^tcpi_state 1$/m);
    const large = await runProgram("sh", "-c", `curl -sS --max-time 10 ${at("/bytes/1000000")} | sha256sum`);
    assert.equal(large.stdout.split(" ")[0], patternSum(1_000_000));
    const sent = await runProgram(
      "sh",
      "-c",
      `curl -sS --max-time 10 ${at("/bytes/1000000")} | curl -sS --max-time 10 --data-binary @- ${at("/")}`,
    );
    assert.equal(sent.stdout, `1000000 bytes, sha256 ${patternSum(1_000_000)}\n`);
  });
});
