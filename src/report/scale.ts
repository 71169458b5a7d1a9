/** Axes by d3-scale, behind the three members this project uses of it (the package ships no types). */
import { scaleLinear } from "d3-scale";

/** A linear map from values to positions, with round ticks. */
export interface Scale {
  /** Position of a value. */
  (value: number): number;
  /** Round values inside the domain, about `count` of them. */
  ticks(count: number): number[];
  /** Text for ticks that are spaced as `ticks(count)` spaces them. */
  tickFormat(count: number): (value: number) => string;
}

/** Maps `domain` to `range`; `niceFor` widens the domain to round values, as if for that many ticks. */
export function linearScale(domain: [number, number], range: [number, number], niceFor?: number): Scale {
  const scale = scaleLinear().domain(domain).range(range);
  return niceFor === undefined ? scale : scale.nice(niceFor);
}
