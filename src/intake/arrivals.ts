/**
 * Which files came into a watched folder whole, by a rename (or a link)? They need no settling. Node tells `rename` for a file that is made in
 * the folder, too, so it is the silence after that which proves it: whatever is written to a file in its place is told as a `change`, after the
 * `rename`, in order. A file with content, and without a `change` since it appeared, brought its content with it.
 *
 * The proof holds only for what appeared while the folder was listened to, in a folder whose writers this host shows, and only where no event
 * can have been lost: the kernel's queue holds 16,384, and what does not fit is dropped without a word.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** More events in one turn than this may be what is left of more than the queue holds. */
const MOST_IN_A_TURN = 4_096;
/** Names whose events are kept: those of files that are looked at at once. */
const MOST_NAMES = 10_000;

export class Arrivals {
  /** By name: whether it was written to since it appeared. */
  readonly #written = new Map<string, boolean>();
  #inTurn = 0;
  #turnEnds: Promise<void> | undefined;
  #listed = false;

  /** The folder has been listed, after the listening began: what is told from now on was not there before. */
  listed(): void {
    this.#listed = true;
  }

  /** Nothing that is known holds any more: events may be lost, or the listening began anew. */
  forgetAll(): void {
    this.#written.clear();
    this.#listed = false;
  }

  forget(name: string): void {
    this.#written.delete(name);
  }

  /** Takes an event in. */
  tell(event: string, name: string): void {
    this.#count();
    if (!this.#listed) return;
    if (event !== 'rename') this.#written.set(name, true);
    else if (this.#written.size < MOST_NAMES) this.#written.set(name, false);
  }

  #count(): void {
    this.#inTurn += 1;
    if (this.#inTurn === MOST_IN_A_TURN) this.forgetAll();
    this.#turnEnds ??= nextTurn().then(() => {
      this.#inTurn = 0;
      this.#turnEnds = undefined;
    });
  }

  /** Whether it appeared and was not written to, by what was told so far. */
  mayBeWhole(name: string): boolean {
    return this.#written.get(name) === false;
  }
}

/**
 * When it resolves, all that happened in the folders before the call has been told: Node reads the kernel's queue to its end in each turn, and
 * the second turn begins after the call.
 */
export async function allTold(): Promise<void> {
  await nextTurn();
  await nextTurn();
  await nextTurn();
}
