/** The kind of an upload that has neither a name nor a type that tells it: by its first bytes, looked at on the way. */
import { constants, gunzipSync } from 'node:zlib';

/** So many are looked at, where there are so many. */
const LOOKED_AT_BYTES = 1_024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is half a character of UTF-16.
const BEFORE_THE_START = /^[\s\u0000\uFEFF\uFFFD]+/u;

export interface Recognized {
  /** `csv`, `ndjson.gz` … */
  readonly extension: string;
  /** All of it. */
  readonly source: AsyncIterable<Uint8Array>;
}

/** What begins with `[` is a JSON array, with `{` NDJSON, and all else CSV: whether it can be read as that is found out when it is. */
export async function recognize(source: AsyncIterable<Uint8Array>): Promise<Recognized> {
  const pieces: Uint8Array[] = [];
  const rest = source[Symbol.asyncIterator]();
  let length = 0;
  while (length < LOOKED_AT_BYTES) {
    const next = await rest.next();
    if (next.done) break;
    pieces.push(next.value);
    length += next.value.length;
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* pieces;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  }
  return { extension: extensionOf(Buffer.concat(pieces)), source: whole() };
}

function extensionOf(bytes: Buffer): string {
  const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const start = (zipped ? expanded(bytes) : bytes).toString('latin1').replace(/^(ï»¿|ÿþ|þÿ)/, '');
  const [first] = start.replace(BEFORE_THE_START, '');
  const kind = first === '[' ? 'json' : first === '{' ? 'ndjson' : 'csv';
  return zipped ? `${kind}.gz` : kind;
}

/** As far as it goes: the rest of the file is not here. */
function expanded(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1 << 20 });
  } catch {
    return Buffer.alloc(0);
  }
}
