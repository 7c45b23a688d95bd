/**
 * Finds where a JSON value ends, byte by byte, without building it: strings and brackets are all that matters. It does not judge:
 * JSON.parse does, on the text that was found. Keeps its place between pieces.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export const isJsonSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

export class JsonScanner {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #scalar = false;
  #deepest = 0;

  /** Most brackets that were open at once. */
  get deepest(): number {
    return this.#deepest;
  }

  reset(): void {
    this.#depth = 0;
    this.#deepest = 0;
    this.#inString = false;
    this.#escaped = false;
    this.#scalar = false;
  }

  /** Offset just behind the value that begins (or goes on) at `from`; −1 where it does not end in these bytes. */
  endOf(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) {
          this.#inString = false;
          if (this.#depth === 0) return at + 1;
        }
      } else if (this.#scalar) {
        if (byte === 0x2c || byte === 0x5d || byte === 0x7d || isJsonSpace(byte)) return at;
      } else if (byte === QUOTE) {
        this.#inString = true;
      } else if (byte === 0x7b || byte === 0x5b) {
        this.#depth++;
        if (this.#depth > this.#deepest) this.#deepest = this.#depth;
      } else if (byte === 0x7d || byte === 0x5d) {
        this.#depth--;
        if (this.#depth <= 0) return at + 1;
      } else if (this.#depth === 0) {
        this.#scalar = true;
      }
    }
    return -1;
  }
}
