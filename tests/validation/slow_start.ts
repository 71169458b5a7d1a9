/** V3: how many round trips slow start takes, RFC 5681 §3.1 and RFC 6928. */
import { MSS, runLossyPath } from "./path.ts";
import { exact, type Origin, type Row } from "./row.ts";

const ORIGIN: Origin = { id: "V3", source: "RFC 5681, 6928 (d)" };
const RTT_S = 0.1;

/** Each round sends twice what the one before did: IW (2^k - 1) segments are out after k rounds. */
function rounds(segments: number, initialWindow: number): number {
  return Math.ceil(Math.log2(segments / initialWindow + 1));
}

export async function slowStart(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const segments of [70, 150, 1000]) {
    for (const initialWindow of [1, 3, 10]) {
      const { fct_s } = await runLossyPath({
        flow: { bytes: segments * MSS, ccOptions: { hystart: false } },
        rtt_s: RTT_S,
        duration_s: 5,
        tcp: { initialWindow },
      });
      // One round trip opens the connection; the last round ends half a round trip in, at the receiver
      const measured = (fct_s ?? NaN) / RTT_S - 0.5;
      // Serialisation adds a thousandth of a round; a round more or less is whole
      const whole = Math.abs(measured - Math.round(measured)) < 0.01 ? Math.round(measured) : measured;
      const what = `rounds of slow start, ${segments} segments, IW ${initialWindow}`;
      rows.push(exact(ORIGIN, what, rounds(segments, initialWindow), whole));
    }
  }
  return rows;
}
