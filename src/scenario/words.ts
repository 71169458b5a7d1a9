/** Small phrases for error messages: a value as found, a list of choices, the nearest right name. */

const LONGEST_FOUND = 48;

/** A value as an error quotes it: on one line, and short. */
export function quote(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  const text = JSON.stringify(value);
  return text.length <= LONGEST_FOUND ? text : `${text.slice(0, LONGEST_FOUND - 4)}..."`;
}

/** `"a", "b" or "c"` */
export function anyOf(names: readonly string[], mark = '"'): string {
  const marked = names.map((name) => mark + name + mark);
  if (marked.length < 2) return marked.join("");
  return `${marked.slice(0, -1).join(", ")} or ${marked.at(-1)}`;
}

/** The known name that `name` was probably meant to be. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  // Two letters in five may be wrong, at least one: "qeueu" is "queue", but "bandwidth" is not "rate".
  let allowed = Math.max(1, Math.floor(name.length * 0.4));
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < allowed || (distance === allowed && best === undefined)) {
      best = candidate;
      allowed = distance;
    }
  }
  return best;
}

/** Letters to insert, delete, replace or swap with their neighbour to turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, previous[j] + 1, row[j - 1] + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length];
}
