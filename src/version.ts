/** Version of this package; a test holds it against `deno.json`. */
export const VERSION: string = "0.1.0";
