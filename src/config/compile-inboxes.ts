/** The inboxes, each with the endpoints that its files are delivered to, and what cannot be among them. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { onS3 } from './compile-store.ts';
import type { SettingsWithDefaults } from './defaults.ts';
import type { ConfigFault } from './faults.ts';
import { nearest, shownValue, wrongValue } from './faults.ts';
import type { S3Location } from './s3-location.ts';
import { isS3Url, liesWithin, s3LocationOf, s3Url } from './s3-location.ts';
import type { InboxSettings, S3Settings } from './settings.ts';

/** Folders that a watcher has in its inbox (src/intake/inbox-names.ts). */
const OF_AN_INBOX: ReadonlySet<string> = new Set(['.wds', 'processed', 'rejected', 'results', 'urgent']);

interface InboxContext {
  readonly cwd: string;
  readonly home: string;
  readonly store: S3Settings | undefined;
  /** All that are configured. */
  readonly endpoints: readonly string[];
  /** The one that is meant, of several. */
  readonly meant: string | undefined;
  readonly collect: (fault: ConfigFault) => void;
}

/** Faults go to `collect`. Empty: no inbox is for what is meant. */
export async function compileInboxes(
  { inbox, inboxes, s3 }: Pick<SettingsWithDefaults, 'inbox' | 'inboxes' | 's3'>,
  context: InboxContext,
): Promise<InboxSettings[]> {
  const { endpoints, meant, collect } = context;
  if (inbox !== undefined && inboxes !== undefined) {
    collect({ key: 'inboxes', problem: 'inbox is stated, too; expected one of them' });
  }
  if (inboxes === undefined) {
    const only = meant ?? (endpoints.length === 1 ? endpoints[0] : undefined);
    const place = placeOf(inbox ?? 'inbox', s3, context);
    const stated = { key: 'inbox', place, endpoints: only === undefined ? [] : [only] };
    for (const problem of placeFaults(stated, [], context)) collect({ key: 'inbox', problem });
    return [inboxAt(stated)];
  }
  const all = Object.entries(inboxes).map(([path, to]): Stated => {
    const place = placeOf(path, s3, context);
    return { key: `inboxes.${place.shown}`, place, endpoints: [to].flat() };
  });
  const identities = new Map<string, string>();
  for (const [at, stated] of all.entries()) {
    const { key, place, endpoints: names } = stated;
    const fault = (problem: string): void => collect({ key, problem });
    for (const problem of placeFaults(stated, all.slice(0, at), context)) fault(problem);
    const { folder } = place;
    for (const identity of place.bucket === undefined ? await identitiesOf(folder) : []) {
      const other = identities.get(identity);
      if (other !== undefined) {
        fault(`the same folder as ${other}; expected a folder once, with a list of endpoints if it is for several`);
        break;
      }
      identities.set(identity, key);
    }
    const around = all.find((other) => OF_AN_INBOX.has(basename(folder)) && other.place.folder === dirname(folder));
    if (around !== undefined) fault(`wds keeps files of ${around.place.shown} there; expected a folder of its own`);
    for (const problem of new Set(names.flatMap((name, before) => nameFault(name, names.slice(0, before), endpoints))))
      fault(problem);
  }
  return all.filter(({ endpoints: names }) => meant === undefined || names.includes(meant)).map(inboxAt);
}

/** Where an inbox is. */
interface Place {
  /** Absolute path, or `s3://bucket/prefix`. */
  readonly shown: string;
  readonly folder: string;
  readonly bucket?: S3Settings;
}

interface Stated {
  readonly key: string;
  readonly place: Place;
  readonly endpoints: readonly string[];
}

const inboxAt = ({ place: { folder, bucket }, endpoints }: Stated): InboxSettings => ({
  folder,
  ...(bucket === undefined ? {} : { bucket }),
  endpoints,
});

/** What is uploaded to an inbox in a bucket by the API waits in a folder of this home. */
function placeOf(text: string, s3: SettingsWithDefaults['s3'], { cwd, home }: InboxContext): Place {
  const location = s3LocationOf(text);
  if (location === undefined) {
    const folder = isS3Url(text) ? text : resolve(cwd, text);
    return { shown: folder, folder };
  }
  const hash = createHash('sha256').update(location.prefix).digest('hex').slice(0, 8);
  const folder = join(home, 'uploads', `${location.bucket}-${hash}`);
  return { shown: s3Url(location), folder, bucket: onS3(location, s3 === undefined ? {} : { s3 }) };
}

/** `before`: the inboxes stated above it. */
function placeFaults({ place }: Stated, before: readonly Stated[], { home, store }: InboxContext): string[] {
  const { shown, folder, bucket } = place;
  if (bucket === undefined && isS3Url(shown))
    return [wrongValue(JSON.stringify(shown), 's3://bucket or s3://bucket/prefix')];
  if (folder === home) return ['the folder is home; expected another folder than home'];
  if (bucket === undefined) return [];
  const touches = (other: S3Location): boolean => liesWithin(bucket, other) || liesWithin(other, bucket);
  const faults = store !== undefined && touches(store) ? [overlap(s3Url(store), 'the store')] : [];
  for (const other of before)
    if (other.place.bucket !== undefined && touches(other.place.bucket))
      faults.push(overlap(other.place.shown, 'another inbox'));
  return faults;
}

const overlap = (place: string, what: string): string =>
  `one lies within the other: ${place} is ${what}; expected a prefix beside it, such as s3://bucket/inbox beside s3://bucket/wds`;

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
