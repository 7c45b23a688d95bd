/**
 * Which webhook-ids were seen, for millions of them: a 64-bit hash each in typed arrays, 13 to 27 bytes an id instead of the 100
 * or more of a Set of strings. Two ids are taken for one with a probability of n² / 2^65: 3 in a million at 10,000,000 ids.
 * Split into shards, so that growing never stops the receiver for more than some milliseconds.
 */

const SHARD_BITS = 8;
const MAX_LOAD = 0.6;

export class IdSet {
  private readonly shards = Array.from({ length: 1 << SHARD_BITS }, () => new Shard());
  size = 0;

  private high = 0;
  private low = 0;

  /** True: the id is new. */
  add(id: string): boolean {
    this.hash(id);
    const isNew = this.shard().add(this.high, this.low);
    if (isNew) this.size += 1;
    return isNew;
  }

  has(id: string): boolean {
    this.hash(id);
    return this.shard().has(this.high, this.low);
  }

  private shard(): Shard {
    return this.shards[this.high >>> (32 - SHARD_BITS)]!;
  }

  /** Two multiplicative hashes of 32 bits, mixed with each other; the second is never 0, which marks a free slot. */
  private hash(id: string): void {
    let high = 0x5bd1e995;
    let low = 0x41c6ce57;
    for (let i = 0; i < id.length; i++) {
      const code = id.charCodeAt(i);
      high = Math.imul(high ^ code, 0x9e3779b1);
      low = Math.imul(low ^ code, 0x5f356495);
    }
    high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
    low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
    this.high = high >>> 0;
    this.low = low >>> 0 || 1;
  }
}

/** Open addressing; a slot is two words, and is free while its second word is 0. */
class Shard {
  private slots = new Uint32Array(2 * 64);
  private count = 0;

  add(high: number, low: number): boolean {
    const at = this.find(high, low);
    if (this.slots[at + 1] !== 0) return false;
    this.slots[at] = high;
    this.slots[at + 1] = low;
    this.count += 1;
    if (this.count > (this.slots.length / 2) * MAX_LOAD) this.grow();
    return true;
  }

  has(high: number, low: number): boolean {
    return this.slots[this.find(high, low) + 1] !== 0;
  }

  private find(high: number, low: number): number {
    const mask = this.slots.length / 2 - 1;
    let slot = low & mask;
    while (this.slots[2 * slot + 1] !== 0 && (this.slots[2 * slot + 1] !== low || this.slots[2 * slot] !== high)) {
      slot = (slot + 1) & mask;
    }
    return 2 * slot;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Uint32Array(old.length * 2);
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] === 0) continue;
      const at = this.find(old[i]!, old[i + 1]!);
      this.slots[at] = old[i]!;
      this.slots[at + 1] = old[i + 1]!;
    }
  }
}
