/**
 * Crash points with names, for tests (CONTRIBUTING.md, "Failpoints"): `WDS_FAILPOINT=name:n` makes the process kill itself (SIGKILL: nothing is
 * flushed, no handler runs) at the n-th pass of that point. Inert unless set: a pass then costs one boolean check.
 */
import { Fault } from './domain/failure.ts';

export const FAILPOINTS = [
  /** The file is in the watcher's claim folder; nothing of it was read. */
  'arrival.claimed',
  /** The first block of the file is hashed and on its way to the store. */
  'arrival.hashing',
  /** Content and file.json are in the store; the workflow was not asked for. */
  'arrival.staged',
  /** The workflow is started; the original is still in the claim folder. */
  'arrival.started',
  /** A window is committed; its activity is not completed. */
  'reading.committed',
  /** Once a message: the file has its number; it has not looked for its rows in earlier ones. */
  'once.registered',
  /** The intent of a wave is written; nothing of it is sent. */
  'sending.announced',
  /** An answer has come; its receipt is not written. */
  'sending.answered',
  /** The last receipt of a batch is written; its activity is not completed. */
  'sending.settled',
  /** A stubborn alert is handed over in the journal; the workflow does not know it yet. */
  'sending.handed-over',
  /** The report is written; the workflow has not ended. */
  'reporting.published',
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

interface Armed {
  readonly name: Failpoint;
  passesLeft: number;
}

const armed = parseFailpoint(process.env.WDS_FAILPOINT);

/** Reads `name` or `name:n` (n ≥ 1, default 1). Throws Fault('config'): a misspelt crash point that stays silent would prove nothing. */
export function parseFailpoint(setting: string | undefined): Armed | undefined {
  if (setting === undefined || setting === '') return undefined;
  const [, name, passes] = /^([a-z.-]+)(?::([1-9]\d{0,8}))?$/i.exec(setting) ?? [];
  const known = FAILPOINTS.find((failpoint) => failpoint === name);
  if (known === undefined) {
    throw new Fault(
      'config',
      `WDS_FAILPOINT=${setting} is not a crash point`,
      `Use name:n with one of ${FAILPOINTS.join(', ')}, or unset it.`,
    );
  }
  return { name: known, passesLeft: Number(passes ?? 1) };
}

/** Marks a crash point. Does not return at the pass that WDS_FAILPOINT names. */
export function failpoint(name: Failpoint): void {
  if (armed === undefined || armed.name !== name) return;
  armed.passesLeft -= 1;
  if (armed.passesLeft > 0) return;
  process.kill(process.pid, 'SIGKILL');
  process.abort();
}
