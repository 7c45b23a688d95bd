/** Why files were refused as a whole, in words that may show text from them: what Temporal's history must not hold. */
import { refusalKey } from './layout.ts';
import type { Store } from './store.ts';

/** Why a file was refused as a whole. `message` may show text from the file. */
export interface StoredRefusal {
  readonly code: string;
  readonly line?: number | undefined;
  readonly message: string;
}

export async function writeRefusal(
  store: Store,
  sha256: string,
  parseKey: string,
  { code, line, message }: StoredRefusal,
): Promise<void> {
  await store.put(refusalKey(sha256, parseKey), `${JSON.stringify({ code, line, message })}\n`);
}

/** undefined: none was written. */
export async function readRefusal(store: Store, sha256: string, parseKey: string): Promise<StoredRefusal | undefined> {
  const bytes = await store.get(refusalKey(sha256, parseKey));
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as StoredRefusal);
}
