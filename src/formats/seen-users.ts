/**
 * The users of a file seen so far, and the line of each one's first row. A user is an opaque string; what is kept of it is a 96-bit hash
 * of its UTF-16 code units, seeded by the file's SHA-256 (at 10 million users a collision is a chance of 1 in 10^15).
 *
 * 16 bytes a user in order of arrival, in segments that are never copied, and 5 to 11 bytes a user of hash index in partitions that grow
 * one by one: no pause beyond a millisecond or two, no peak while growing. 23 bytes a user at 10 million; a JavaScript Map costs 150.
 */
import { FileRefusal } from '../domain/failure.ts';

/** Three words of hash and the line. */
const ENTRY_WORDS = 4;
const ENTRY_BYTES = ENTRY_WORDS * 4;
const SEEDS = 4;
const SEGMENT_BITS = 14;
const SEGMENT_ENTRIES = 1 << SEGMENT_BITS;
const PARTITIONS = 256;
const FIRST_SLOTS = 8;
const MAX_LINE = 0xffff_ffff;

export class SeenUsers {
  readonly #seeds: Int32Array;
  readonly #hash = new Int32Array(ENTRY_WORDS);
  readonly #segments: Int32Array[] = [];
  /** Open addressing; a slot holds the entry's number + 1, 0 is free. */
  readonly #slots: Uint32Array[];
  readonly #used = new Uint32Array(PARTITIONS);
  #size = 0;

  constructor(sha256: string) {
    this.#seeds = seedsOf(sha256);
    this.#slots = Array.from({ length: PARTITIONS }, () => new Uint32Array(FIRST_SLOTS));
  }

  get size(): number {
    return this.#size;
  }

  /** 0: a new user, now kept with this line; else the line of the user's first row. */
  add(userId: string, line: number): number {
    if (line > MAX_LINE)
      throw new FileRefusal('too_many_lines', `wds reads ${MAX_LINE} lines of a file at most. Split it.`);
    hashUser(userId, this.#seeds, this.#hash);
    return this.#insert(this.#hash[0]!, this.#hash[1]!, this.#hash[2]!, line);
  }

  /** The line of the user's first row; 0: not seen. */
  find(userId: string): number {
    hashUser(userId, this.#seeds, this.#hash);
    return this.#lineAt(this.#slotOf(this.#hash[0]!, this.#hash[1]!, this.#hash[2]!), this.#hash[0]! >>> 24);
  }

  /** The users from the `from`-th on (0-based), ENTRY_BYTES each, in pieces: what a window saves. */
  *entriesFrom(from: number): Generator<Buffer> {
    for (let at = from; at < this.#size; ) {
      const offset = at & (SEGMENT_ENTRIES - 1);
      const count = Math.min(SEGMENT_ENTRIES - offset, this.#size - at);
      const segment = this.#segments[at >>> SEGMENT_BITS]!;
      yield Buffer.from(segment.buffer, offset * ENTRY_BYTES, count * ENTRY_BYTES);
      at += count;
    }
  }

  /** Takes in what a window saved. `bytes` holds whole entries, in this machine's byte order, as they were saved. */
  addEntries(bytes: Buffer): void {
    const words = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    for (let at = 0; at < words.length; at += ENTRY_WORDS) {
      this.#insert(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]! >>> 0);
    }
  }

  /** Where the user is, or would be put. */
  #slotOf(a: number, b: number, c: number): number {
    const slots = this.#slots[a >>> 24]!;
    const mask = slots.length - 1;
    let slot = b & mask;
    for (let entry = slots[slot]!; entry !== 0; entry = slots[slot]!) {
      const segment = this.#segments[(entry - 1) >>> SEGMENT_BITS]!;
      const word = ((entry - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
      if (segment[word] === a && segment[word + 1] === b && segment[word + 2] === c) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #lineAt(slot: number, partition: number): number {
    const entry = this.#slots[partition]![slot]!;
    if (entry === 0) return 0;
    const segment = this.#segments[(entry - 1) >>> SEGMENT_BITS]!;
    return segment[((entry - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS + 3]! >>> 0;
  }

  #insert(a: number, b: number, c: number, line: number): number {
    const partition = a >>> 24;
    if (this.#used[partition]! * 4 >= this.#slots[partition]!.length * 3) this.#grow(partition);
    const slot = this.#slotOf(a, b, c);
    const before = this.#lineAt(slot, partition);
    if (before !== 0) return before;
    const word = (this.#size & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
    if (word === 0) this.#segments.push(new Int32Array(SEGMENT_ENTRIES * ENTRY_WORDS));
    const segment = this.#segments[this.#size >>> SEGMENT_BITS]!;
    segment[word] = a;
    segment[word + 1] = b;
    segment[word + 2] = c;
    segment[word + 3] = line;
    this.#slots[partition]![slot] = ++this.#size;
    this.#used[partition]!++;
    return 0;
  }

  #grow(partition: number): void {
    const old = this.#slots[partition]!;
    const slots = new Uint32Array(old.length * 2);
    const mask = slots.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      const word = ((entry - 1) & (SEGMENT_ENTRIES - 1)) * ENTRY_WORDS;
      let slot = this.#segments[(entry - 1) >>> SEGMENT_BITS]![word + 1]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.#slots[partition] = slots;
  }
}

/** What is kept of one user in each of many files: the first three words of its entry there. */
export class UserHashes {
  readonly #userId: string;
  readonly #seeds = new Int32Array(SEEDS);
  readonly #hash = new Int32Array(ENTRY_WORDS);
  readonly #words = new Uint32Array(this.#hash.buffer, 0, ENTRY_WORDS - 1);
  #sha256 = '';

  constructor(userId: string) {
    this.#userId = userId;
  }

  /** Valid until the next call. */
  in(sha256: string): Uint32Array {
    if (sha256 !== this.#sha256) hashUser(this.#userId, seedsOf(sha256, this.#seeds), this.#hash);
    this.#sha256 = sha256;
    return this.#words;
  }
}

function seedsOf(sha256: string, into = new Int32Array(SEEDS)): Int32Array {
  for (let seed = 0; seed < SEEDS; seed++) into[seed] = Number.parseInt(sha256.slice(8 * seed, 8 * seed + 8), 16);
  return into;
}

/** MurmurHash3_x86_128 over UTF-16 code units, two to a word; public domain algorithm by Austin Appleby. */
function hashUser(text: string, seeds: Int32Array, into: Int32Array): void {
  let h1 = seeds[0]!;
  let h2 = seeds[1]!;
  let h3 = seeds[2]!;
  let h4 = seeds[3]!;
  const length = text.length;
  // Past the end there is nothing but zeros (charCodeAt would give NaN, which is slow); the length goes into the hash below.
  for (let at = 0; at < length; at += 8) {
    const left = length - at;
    let k1 = text.charCodeAt(at) | (left > 1 ? text.charCodeAt(at + 1) << 16 : 0);
    let k2 = (left > 2 ? text.charCodeAt(at + 2) : 0) | (left > 3 ? text.charCodeAt(at + 3) << 16 : 0);
    let k3 = (left > 4 ? text.charCodeAt(at + 4) : 0) | (left > 5 ? text.charCodeAt(at + 5) << 16 : 0);
    let k4 = (left > 6 ? text.charCodeAt(at + 6) : 0) | (left > 7 ? text.charCodeAt(at + 7) << 16 : 0);
    k1 = Math.imul(k1, 0x239b961b);
    k1 = Math.imul((k1 << 15) | (k1 >>> 17), 0xab0e9789);
    h1 ^= k1;
    h1 = (((h1 << 19) | (h1 >>> 13)) + h2) | 0;
    h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0;
    k2 = Math.imul(k2, 0xab0e9789);
    k2 = Math.imul((k2 << 16) | (k2 >>> 16), 0x38b34ae5);
    h2 ^= k2;
    h2 = (((h2 << 17) | (h2 >>> 15)) + h3) | 0;
    h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0;
    k3 = Math.imul(k3, 0x38b34ae5);
    k3 = Math.imul((k3 << 17) | (k3 >>> 15), 0xa1e38b93);
    h3 ^= k3;
    h3 = (((h3 << 15) | (h3 >>> 17)) + h4) | 0;
    h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0;
    k4 = Math.imul(k4, 0xa1e38b93);
    k4 = Math.imul((k4 << 18) | (k4 >>> 14), 0x239b961b);
    h4 ^= k4;
    h4 = (((h4 << 13) | (h4 >>> 19)) + h1) | 0;
    h4 = (Math.imul(h4, 5) + 0x32ac3b17) | 0;
  }
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = finish((h2 + h1) | 0);
  h3 = finish((h3 + h1) | 0);
  h4 = finish((h4 + h1) | 0);
  h1 = (finish(h1) + h2 + h3 + h4) | 0;
  into[0] = h1;
  into[1] = h2 + h1;
  into[2] = h3 + h1;
}

function finish(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
