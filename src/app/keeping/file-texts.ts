/** The windows of a file, and why it was refused, whatever options it was read by. */
import type { WindowRef } from '../../store/chunks.ts';
import { refusalKey } from '../../store/layout.ts';
import type { Redacted } from '../../store/redaction.ts';
import type { StoredRefusal } from '../../store/refusals.ts';
import { readRefusal } from '../../store/refusals.ts';
import type { House } from './house.ts';

async function readings({ store }: Pick<House, 'store'>, sha256: string): Promise<string[]> {
  const folders = (await store.list(sha256)).filter((name) => name.startsWith('chunks-'));
  return folders.map((name) => name.slice('chunks-'.length));
}

/** Those that are committed. */
export async function windowsOf(house: Pick<House, 'store'>, sha256: string): Promise<WindowRef[]> {
  const refs: WindowRef[] = [];
  for (const parseKey of await readings(house, sha256)) {
    for (const name of await house.store.list(`${sha256}/chunks-${parseKey}`)) {
      const [, window] = /^(\d+)\.json$/.exec(name) ?? [];
      if (window !== undefined) refs.push({ sha256, parseKey, window: Number(window) });
    }
  }
  return refs;
}

export async function refusalsOf(
  { store }: Pick<House, 'store'>,
  sha256: string,
): Promise<(StoredRefusal & { readonly parseKey: string })[]> {
  const found = await Promise.all(
    (await readings({ store }, sha256)).map(async (parseKey) => {
      const refusal = await readRefusal(store, sha256, parseKey);
      return refusal && { ...refusal, parseKey };
    }),
  );
  return found.filter((one) => one !== undefined);
}

/** The text of a refusal that shows a row of the user goes; that the file was refused stays known to its workflow. */
export async function removeRefusalsOf(
  house: Pick<House, 'store'>,
  sha256: string,
  { names }: Redacted,
): Promise<void> {
  for (const { message, parseKey } of await refusalsOf(house, sha256)) {
    if (names(message)) await house.store.delete(refusalKey(sha256, parseKey));
  }
}
