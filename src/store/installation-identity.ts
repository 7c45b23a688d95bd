/**
 * `installation.json` at the root of the store: whose store it is. Made once, by whoever finds none, and never changed. It tells the
 * store of another installation, and the empty folder below which a store should be mounted, from one's own.
 */
import { randomBytes } from 'node:crypto';
import { Fault } from '../domain/failure.ts';
import type { Store } from './store.ts';

export const INSTALLATION_KEY = 'installation.json';
const PATTERN = /^[0-9a-f]{12}$/;
/** So long a store that is lasting is taken for what it was. */
const TRUSTED_MS = 10_000;
const MOUNTED = 'Is the store mounted? wds goes on by itself once it is there again.';

/** undefined: the store has none, so it is new, or not there. Throws Fault('store') for one that cannot be read. */
export async function readInstallationId(store: Store): Promise<string | undefined> {
  const bytes = await store.get(INSTALLATION_KEY);
  if (bytes === undefined) return undefined;
  const id = idIn(bytes.toString('utf8'));
  if (id !== undefined) return id;
  throw new Fault(
    'store',
    `${INSTALLATION_KEY} of the store is damaged`,
    'Restore it from a copy: it says whose store this is.',
  );
}

function idIn(text: string): string | undefined {
  try {
    const { id } = JSON.parse(text) as { readonly id?: unknown };
    return typeof id === 'string' && PATTERN.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/** The identity of a store; one that has none gets one. Processes that begin at the same moment agree. */
export async function settleInstallationId(store: Store): Promise<string> {
  const known = await readInstallationId(store);
  if (known !== undefined) return known;
  await store.create(INSTALLATION_KEY, `${JSON.stringify({ id: randomBytes(6).toString('hex') })}\n`);
  // Whoever was first decides.
  const settled = await readInstallationId(store);
  if (settled !== undefined) return settled;
  throw new Fault('store', `${INSTALLATION_KEY} of the store vanished as soon as it was written`, MOUNTED);
}

/** The store is not the one that this process began with. `replaced`: it is another installation's; otherwise it is not there. */
export class StoreMismatch extends Fault {
  readonly replaced: boolean;

  constructor(replaced: boolean, message: string, nextStep: string) {
    super('store', message, nextStep);
    this.name = 'StoreMismatch';
    this.replaced = replaced;
  }
}

/** The store that this process began with, which may be taken from under it. */
export class OwnStore {
  readonly installation: string;
  readonly #store: Store;
  readonly #place: string;
  #confirmedMs = Number.NEGATIVE_INFINITY;

  /** `place`: where the store is, for people. */
  constructor(store: Store, installation: string, place: string) {
    this.#store = store;
    this.installation = installation;
    this.#place = place;
  }

  /** Throws StoreMismatch unless it is still that one. Reads the identity anew each time, one small file; where nothing can be mounted, now and then. */
  async confirm(): Promise<void> {
    if (this.#store.lasting && performance.now() - this.#confirmedMs < TRUSTED_MS) return;
    const found = await readInstallationId(this.#store);
    if (found === this.installation) {
      this.#confirmedMs = performance.now();
      return;
    }
    throw found === undefined
      ? new StoreMismatch(false, `the store of installation ${this.installation} is not in ${this.#place}`, MOUNTED)
      : new StoreMismatch(
          true,
          `${this.#place} is the store of installation ${found}; this process began with that of ${this.installation}`,
          'Is the right store mounted? Then start this process again.',
        );
  }
}
