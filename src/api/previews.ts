/**
 * Uploads that somebody looks at before they are delivered. They lie where uploads lie that are not whole yet, so nobody else sees them, and are
 * removed when nobody has decided within a quarter of an hour, when there are too many, and when this process ends.
 */
import { randomBytes } from 'node:crypto';
import type { FilePreview } from '../app/preview.ts';
import type { ReceivedUploads } from './routes/uploads.ts';

const KEPT_MS = 15 * 60_000;
const MOST = 20;

export interface HeldUploads {
  readonly uploads: ReceivedUploads;
  readonly previews: readonly FilePreview[];
}

export class Previews {
  readonly #held = new Map<string, HeldUploads & { readonly expires: NodeJS.Timeout }>();

  /** Returns the name under which they are found. */
  async hold(held: HeldUploads): Promise<string> {
    const [oldest] = this.#held.keys();
    if (this.#held.size >= MOST && oldest !== undefined) await this.take(oldest)?.uploads.discard();
    const name = randomBytes(16).toString('hex');
    const expires = setTimeout(() => void this.take(name)?.uploads.discard(), KEPT_MS);
    expires.unref();
    this.#held.set(name, { ...held, expires });
    return name;
  }

  /** undefined: they are not there (any more). */
  find(name: string): HeldUploads | undefined {
    return this.#held.get(name);
  }

  /** From then on they are the caller's. */
  take(name: string): HeldUploads | undefined {
    const held = this.#held.get(name);
    clearTimeout(held?.expires);
    this.#held.delete(name);
    return held;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held.keys()].map((name) => this.take(name)?.uploads.discard()));
  }
}
