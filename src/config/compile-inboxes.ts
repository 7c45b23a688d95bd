/** The inboxes, each with the endpoints that its files are delivered to, and what cannot be among them. */
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { SettingsWithDefaults } from './defaults.ts';
import type { ConfigFault } from './faults.ts';
import { nearest, shownValue, wrongValue } from './faults.ts';
import type { InboxSettings } from './settings.ts';

/** Folders that a watcher has in its inbox (src/intake/inbox-names.ts). */
const OF_AN_INBOX: ReadonlySet<string> = new Set(['.wds', 'processed', 'rejected', 'results', 'urgent']);

/** `s3://…`, after it was taken for a path. */
const isBucket = (folder: string): boolean => /(^|[/\\])s3:[/\\]/.test(folder);
const BUCKET_INBOX = 'an inbox in a bucket is not there yet; expected a folder, whose files wds puts into the store';

interface InboxContext {
  readonly cwd: string;
  readonly home: string;
  /** All that are configured. */
  readonly endpoints: readonly string[];
  /** The one that is meant, of several. */
  readonly meant: string | undefined;
  readonly collect: (fault: ConfigFault) => void;
}

/** Faults go to `collect`. Empty: no inbox is for what is meant. */
export async function compileInboxes(
  { inbox, inboxes }: Pick<SettingsWithDefaults, 'inbox' | 'inboxes'>,
  context: InboxContext,
): Promise<InboxSettings[]> {
  const { cwd, home, endpoints, meant, collect } = context;
  if (inbox !== undefined && inboxes !== undefined) {
    collect({ key: 'inboxes', problem: 'inbox is stated, too; expected one of them' });
  }
  if (inboxes === undefined) {
    const folder = resolve(cwd, inbox ?? 'inbox');
    if (isBucket(folder)) collect({ key: 'inbox', problem: BUCKET_INBOX });
    if (folder === home)
      collect({ key: 'inbox', problem: wrongValue(JSON.stringify(folder), 'another folder than home') });
    const only = meant ?? (endpoints.length === 1 ? endpoints[0] : undefined);
    return [{ folder, endpoints: only === undefined ? [] : [only] }];
  }
  const stated = Object.entries(inboxes).map(([path, to]) => {
    const folder = resolve(cwd, path);
    return { key: `inboxes.${folder}`, folder, endpoints: [to].flat() };
  });
  const identities = new Map<string, string>();
  for (const { key, folder, endpoints: names } of stated) {
    const fault = (problem: string): void => collect({ key, problem });
    if (isBucket(folder)) fault(BUCKET_INBOX);
    if (folder === home) fault('the folder is home; expected another one');
    for (const identity of await identitiesOf(folder)) {
      const other = identities.get(identity);
      if (other !== undefined) {
        fault(`the same folder as ${other}; expected a folder once, with a list of endpoints if it is for several`);
        break;
      }
      identities.set(identity, key);
    }
    const around = stated.find((other) => OF_AN_INBOX.has(basename(folder)) && other.folder === dirname(folder));
    if (around !== undefined) fault(`wds keeps files of ${around.folder} there; expected a folder of its own`);
    for (const problem of new Set(names.flatMap((name, at) => nameFault(name, names.slice(0, at), endpoints))))
      fault(problem);
  }
  const all = stated.map(({ folder, endpoints: names }) => ({ folder, endpoints: names }));
  return meant === undefined ? all : all.filter(({ endpoints: names }) => names.includes(meant));
}

/** Two ways to one folder are one: through a link, or on a disk that does not see case. */
async function identitiesOf(folder: string): Promise<string[]> {
  const stats = await stat(folder).catch(() => undefined);
  return [folder, ...(stats === undefined ? [] : [`${stats.dev}:${stats.ino}`])];
}

function nameFault(name: string, before: readonly string[], endpoints: readonly string[]): string[] {
  const shown = shownValue(name);
  if (before.some((other) => other.toLowerCase() === name.toLowerCase()))
    return [`${shown} is named twice; expected it once`];
  if (endpoints.includes(name)) return [];
  const guess = nearest(name, endpoints);
  const there = endpoints.length === 0 ? 'none is configured' : `there is ${endpoints.join(', ')}`;
  return [`${shown} is no endpoint of the configuration; ${guess === undefined ? there : `did you mean ${guess}?`}`];
}
