/** The rows of a file against their checksums: each window's chunks, what became none, and its users. Streamed, a chunk in memory at a time. */
import { crc32 } from 'node:zlib';
import type { WindowFile, WindowRef } from '../../../store/chunks.ts';
import { readRejects, readWindowFile } from '../../../store/chunks.ts';
import { alertsKey, oldSeenKey, usersKey, windowKey } from '../../../store/layout.ts';
import { readSeen } from '../../../store/saved-users.ts';
import type { Store } from '../../../store/store.ts';
import { windowsOf } from '../file-texts.ts';
import type { House } from '../house.ts';
import type { Findings } from './findings.ts';

const READ_AGAIN =
  'Restore it from a backup; or stop wds, delete that folder chunks-… and drop the file again: it is read anew, and its receipts still fit.';

/** The lines of each chunk, by its number, of one reading of a file. */
export interface CheckedRows {
  readonly parseKey: string;
  readonly lines: ReadonlyMap<number, Uint32Array>;
  /** It was read to its end, and all of that is there. */
  readonly complete: boolean;
}

export async function checkRows(
  house: Pick<House, 'store'>,
  sha256: string,
  findings: Findings,
): Promise<CheckedRows[]> {
  const { store } = house;
  const byKey = new Map<string, WindowRef[]>();
  for (const ref of await windowsOf(house, sha256)) byKey.set(ref.parseKey, [...(byKey.get(ref.parseKey) ?? []), ref]);
  const checked: CheckedRows[] = [];
  for (const [parseKey, refs] of byKey) {
    const lines = new Map<number, Uint32Array>();
    let next: WindowFile['result']['next'] | undefined;
    refs.sort((a, b) => a.window - b.window);
    for (const [index, ref] of refs.entries()) {
      const where = windowKey(sha256, parseKey, ref.window);
      if (ref.window !== index + 1) findings.fault(where, `window ${index + 1} is missing`, READ_AGAIN);
      await findings.guard(where, READ_AGAIN, async () => {
        const file = await readWindowFile(store, ref);
        // Pruned just now.
        if (file === undefined) return;
        next = file.result.next;
        await checkAlerts(store, ref, file, lines, findings);
        await checkRest(store, ref, file, findings);
      });
    }
    checked.push({ parseKey, lines, complete: next === null && refs.at(-1)?.window === refs.length });
  }
  return checked;
}

async function checkAlerts(
  store: Store,
  ref: WindowRef,
  file: WindowFile,
  lines: Map<number, Uint32Array>,
  findings: Findings,
): Promise<void> {
  const key = alertsKey(ref.sha256, ref.parseKey, ref.window);
  const wanted = file.chunks.reduce((sum, { length }) => sum + length, 0);
  const size = wanted === 0 ? 0 : await store.size(key);
  if (size !== wanted) {
    findings.fault(key, size === undefined ? 'it is missing' : `it has ${size} bytes of ${wanted}`, READ_AGAIN);
    return;
  }
  let alerts = 0;
  let damaged = false;
  for (const [index, { offset, length, crc32: sum }] of file.chunks.entries()) {
    const chunk = file.result.firstChunk + index;
    const bytes = await store.readRange(key, offset, offset + length);
    findings.looked.bytes += length;
    findings.looked.chunks += 1;
    if (crc32(bytes) !== sum) {
      damaged = true;
      findings.fault(key, `chunk ${chunk} is not what was written: its checksum differs`, READ_AGAIN);
      continue;
    }
    const own = linesIn(bytes);
    alerts += own.length;
    lines.set(chunk, own);
    if (own.some((line, at) => at > 0 && line <= own[at - 1]!)) {
      findings.fault(key, `the lines of chunk ${chunk} are not in order`, READ_AGAIN);
    }
  }
  if (!damaged && alerts !== file.result.alerts) {
    findings.fault(key, `it holds ${alerts} alerts of ${file.result.alerts}`, READ_AGAIN);
  }
}

/** The number at the beginning of each line. */
function linesIn(bytes: Buffer): Uint32Array {
  const lines: number[] = [];
  for (let at = 0; at < bytes.length; at = bytes.indexOf(0x0a, at) + 1) {
    let line = 0;
    for (let digit = bytes[at]!; digit >= 0x30 && digit <= 0x39; digit = bytes[++at]!) line = line * 10 + digit - 0x30;
    lines.push(line);
    if (bytes.indexOf(0x0a, at) === -1) break;
  }
  return Uint32Array.from(lines);
}

async function checkRest(store: Store, ref: WindowRef, file: WindowFile, findings: Findings): Promise<void> {
  const { sha256, parseKey, window } = ref;
  for await (const _reject of readRejects(store, ref));
  if ((file.seen?.users ?? 0) === 0) return;
  const users = usersKey(sha256, parseKey, window);
  const old = oldSeenKey(sha256, parseKey, window);
  const remade = 'Delete it: wds find makes it anew from the chunks.';
  if (!(await store.exists(users)) && !(await store.exists(old))) {
    findings.note(users, 'the users of this window are not saved', 'wds find makes it anew from the chunks.');
    return;
  }
  await findings.guard(users, remade, async () => {
    for await (const entries of readSeen(store, ref)) findings.looked.bytes += entries.length;
  });
}
