/**
 * Node reads a body into a new buffer for each piece, and V8 lets tens of megabytes of them gather before it collects: their memory is not in
 * its heap, and does not count as pressure. Collected by hand every few megabytes, a large upload costs no more than a small one, and
 * takes half the time, for the same memory is used again.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_BYTES = 8 * 1024 * 1024;

type Collect = (options: { readonly type: 'minor' }) => void;

let collect: Collect | undefined;

/** There is no other way to it without a flag on the command line. */
function collector(): Collect {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  return collect;
}

/** To be told of each piece that is done with. */
export class YoungGarbage {
  #bytes = 0;

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < EVERY_BYTES) return;
    this.#bytes = 0;
    collector()({ type: 'minor' });
  }
}
