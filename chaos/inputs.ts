/** The files of a round, byte for byte, and what is in them line by line: what the judge holds everything against. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Chance } from '../simulation/chance.ts';
import type { FilePlan, Mend } from './plan.ts';

export const REFUSED_PREFIX = 'refused-';
export const STUBBORN_PREFIX = 'stubborn-';
/** In a message: the receiver takes it from anybody. */
export const MENDED_MARK = 'mended';

export interface InputRow {
  readonly line: number;
  readonly is: 'alert' | 'invalid' | 'duplicate';
  readonly user: string;
  readonly message: string;
  /** `<sha256>:<line>` of the row whose place this one takes. */
  readonly origin?: string;
}

export interface Input {
  readonly name: string;
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly rows: readonly InputRow[];
}

export function makeInput(plan: FilePlan): Input {
  const chance = new Chance(plan.seed);
  const mark = plan.seed.toString(36);
  const users = Array.from({ length: plan.rows }, (_, at) => `u-${mark}-${at}`);
  const rename = (count: number, prefix: string): void => {
    for (let left = count; left > 0; left--) {
      const at = chance.whole(0, users.length - 1);
      if (users[at]!.startsWith('u-')) users[at] = prefix + users[at]!.slice(2);
    }
  };
  rename(plan.refused, REFUSED_PREFIX);
  rename(plan.stubborn, STUBBORN_PREFIX);
  const rows: Omit<InputRow, 'line'>[] = users.map((user, at) => ({
    is: 'alert',
    user,
    message: `Alert ${at} of ${mark}, "dear ${user}"`,
  }));
  for (let left = plan.invalid; left > 0; left--) {
    rows.splice(chance.whole(0, rows.length), 0, { is: 'invalid', user: `nobody-${mark}-${left}`, message: '' });
  }
  for (let left = plan.duplicates; left > 0; left--) {
    // Behind all others, so that every first row of a user is before it.
    rows.push({ is: 'duplicate', user: chance.pick(users), message: 'Not again.' });
  }
  return finish(plan.name, plan.format, plan.gzip, rows);
}

export interface MendedRow {
  readonly user: string;
  readonly message: string;
  readonly origin: string;
}

/** A failed.csv as somebody mended it. `edition` makes the messages, and so the bytes, of two mends differ. */
export function makeMended(name: string, rows: readonly MendedRow[], way: Mend, edition: number): Input {
  const mended = rows.map(({ user, message, origin }, at) => ({
    is: 'alert' as const,
    user: way === 'other-user' && at === 0 ? `instead-of-${user}` : user,
    message: `${message} (${MENDED_MARK} ${edition})`,
    origin,
  }));
  const lineEnd = way === 'line-ends' ? '\r\n' : '\n';
  const numbered = mended.map((row, at) => ({ ...row, line: at + 2 }));
  const text = ['userId,alertMessage,wdsOrigin']
    .concat(numbered.map(({ user, message, origin }) => `${quoted(user)},${quoted(message)},${origin}`))
    .map((line) => line + lineEnd)
    .join('');
  return complete(name, Buffer.from(text), numbered);
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

function finish(
  name: string,
  format: FilePlan['format'],
  gzip: boolean,
  rows: readonly Omit<InputRow, 'line'>[],
): Input {
  const objects = rows.map(({ user, message }) => JSON.stringify({ userId: user, alertMessage: message }));
  const text = {
    csv: `userId,alertMessage\n${rows.map(({ user, message }) => `${quoted(user)},${quoted(message)}\n`).join('')}`,
    ndjson: objects.map((object) => `${object}\n`).join(''),
    json: `[${objects.join(',\n')}]\n`,
  }[format];
  const firstLine = format === 'csv' ? 2 : 1;
  const bytes = gzip ? gzipSync(text) : Buffer.from(text);
  return complete(
    name,
    bytes,
    rows.map((row, at) => ({ ...row, line: at + firstLine })),
  );
}

function complete(name: string, bytes: Buffer, rows: readonly InputRow[]): Input {
  return { name, bytes, sha256: createHash('sha256').update(bytes).digest('hex'), rows };
}
