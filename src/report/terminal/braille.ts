/** A canvas of Braille cells: two dots wide and four high in each character, eight times the detail of letters. */

/** Bit of the dot at column 0 or 1 and row 0 to 3 of a cell, as Unicode orders them above U+2800. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** Dots set in two layers: a line, and a band that is seen only in cells the line leaves free. */
export class BrailleCanvas {
  /** Width in dots. */
  readonly width: number;
  /** Height in dots. */
  readonly height: number;
  readonly #columns: number;
  readonly #line: Uint8Array;
  readonly #band: Uint8Array;

  /** An empty canvas of so many characters. */
  constructor(columns: number, rows: number) {
    this.width = columns * 2;
    this.height = rows * 4;
    this.#columns = columns;
    this.#line = new Uint8Array(columns * rows);
    this.#band = new Uint8Array(columns * rows);
  }

  /** Sets the dots of the line at column `x` from row `top` to row `bottom`, both included. */
  line(x: number, top: number, bottom: number): void {
    for (let y = top; y <= bottom; y++) this.#line[this.#cell(x, y)] |= DOTS[x & 1][y & 3];
  }

  /** Sets every other dot between two rows, on every other column, for a shade lighter than any line. */
  band(x: number, top: number, bottom: number): void {
    if (x & 1) return;
    for (let y = top; y <= bottom; y++) if ((y & 1) === ((x >> 1) & 1)) this.#band[this.#cell(x, y)] |= DOTS[0][y & 3];
  }

  /** The characters of one row; runs of line and of band are passed through the painters of their layer. */
  row(row: number, paintLine: (text: string) => string, paintBand: (text: string) => string): string {
    let text = "";
    let run = "";
    let runIsLine = false;
    const flush = (): void => {
      if (run !== "") text += runIsLine ? paintLine(run) : paintBand(run);
      run = "";
    };
    for (let cell = row * this.#columns; cell < (row + 1) * this.#columns; cell++) {
      const isLine = this.#line[cell] !== 0;
      if (isLine !== runIsLine) flush();
      runIsLine = isLine;
      const dots = isLine ? this.#line[cell] : this.#band[cell];
      run += dots === 0 ? " " : String.fromCharCode(0x2800 + dots);
    }
    flush();
    return text;
  }

  #cell(x: number, y: number): number {
    return (y >> 2) * this.#columns + (x >> 1);
  }
}
