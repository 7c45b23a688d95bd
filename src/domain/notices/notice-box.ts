/**
 * Gathers notices, so that there is one notification for a cause: those of one type and subject that come close together are told together. The
 * first of them waits a moment for others; where more follow, the next notification comes a minute later, then five, then ten. Pure: JSON in, JSON
 * out.
 */
import type { Notice, NoticeFile, NoticeType, TEST_TYPE } from './notice.ts';

const GATHER_MS = 5_000;
const PAUSES_MS = [60_000, 300_000, 600_000];
const LAST_PAUSE = PAUSES_MS.length - 1;
/** Files that a notification names with all that is known of them; of the others there is the number. */
const MOST_NAMED = 100;
/** Files that its text names. */
const MOST_IN_TEXT = 3;
/** Keys that are remembered: what is told twice after so many others is told again. */
const MOST_KEYS = 2_000;

/** What is sent: the body of a Standard Webhook, and what the command reads. */
export interface NotificationBody {
  readonly type: NoticeType | typeof TEST_TYPE;
  /** ISO 8601: of the first event in it. */
  readonly timestamp: string;
  /** All of it in a sentence: chats show it as it is. */
  readonly text: string;
  readonly data: {
    readonly installation: string;
    /** The endpoint, or the folder on the disk. */
    readonly subject: string;
    /** Events that are told together. */
    readonly count: number;
    readonly files: readonly NoticeFile[];
    readonly details: Notice['details'] | null;
  };
}

interface Group {
  readonly type: NoticeType;
  readonly subject: string;
  readonly first: Notice;
  readonly last: Notice;
  readonly count: number;
  readonly files: readonly NoticeFile[];
}

interface Pace {
  readonly lastMs: number;
  readonly pause: number;
}

export interface NoticeBoxState {
  readonly keys: readonly string[];
  readonly groups: readonly (readonly [string, Group])[];
  readonly paces: readonly (readonly [string, Pace])[];
}

export class NoticeBox {
  readonly #keys: Set<string>;
  readonly #groups: Map<string, Group>;
  readonly #paces: Map<string, Pace>;
  /** When each group is to be told. */
  readonly #dueMs = new Map<string, number>();

  constructor(state: NoticeBoxState | undefined, nowMs: number) {
    this.#keys = new Set(state?.keys);
    this.#groups = new Map(state?.groups);
    this.#paces = new Map(state?.paces);
    for (const name of this.#groups.keys()) this.#dueMs.set(name, this.#dueOf(name, nowMs));
  }

  get state(): NoticeBoxState {
    return { keys: [...this.#keys], groups: [...this.#groups], paces: [...this.#paces] };
  }

  /** What was told before is not told again. */
  take(notice: Notice, nowMs: number): void {
    if (this.#keys.has(notice.key)) return;
    this.#keys.add(notice.key);
    const [oldest] = this.#keys;
    if (this.#keys.size > MOST_KEYS && oldest !== undefined) this.#keys.delete(oldest);
    const { type, subject, file } = notice;
    const name = `${type} ${subject}`;
    const group = this.#groups.get(name);
    const files = group?.files ?? [];
    this.#groups.set(name, {
      type,
      subject,
      first: group?.first ?? notice,
      last: notice,
      count: (group?.count ?? 0) + 1,
      files: file === undefined || files.length === MOST_NAMED ? files : [...files, file],
    });
    if (group === undefined) this.#dueMs.set(name, this.#dueOf(name, nowMs));
  }

  /** All that is gathered is to be told now. */
  hurry(nowMs: number): void {
    for (const name of this.#dueMs.keys()) this.#dueMs.set(name, nowMs);
  }

  /** Kinds of events that wait to be told. */
  get waiting(): number {
    return this.#groups.size;
  }

  /** When something is to be told next; undefined: there is nothing. */
  get nextMs(): number | undefined {
    return this.#dueMs.size === 0 ? undefined : Math.min(...this.#dueMs.values());
  }

  /** Takes out what is to be told now. */
  due(nowMs: number, installation: string): NotificationBody[] {
    const bodies: NotificationBody[] = [];
    for (const [name, dueMs] of [...this.#dueMs]) {
      if (dueMs > nowMs) continue;
      const group = this.#groups.get(name)!;
      this.#groups.delete(name);
      this.#dueMs.delete(name);
      const pace = this.#paces.get(name);
      const goesOn = pace !== undefined && nowMs - pace.lastMs < 2 * PAUSES_MS[pace.pause]!;
      this.#paces.set(name, { lastMs: nowMs, pause: goesOn ? Math.min(LAST_PAUSE, pace.pause + 1) : 0 });
      bodies.push(bodyOf(group, installation));
    }
    for (const [name, { lastMs }] of this.#paces) {
      if (nowMs - lastMs > 2 * PAUSES_MS[LAST_PAUSE]!) this.#paces.delete(name);
    }
    return bodies;
  }

  #dueOf(name: string, nowMs: number): number {
    const pace = this.#paces.get(name);
    // What is not about a file comes alone: nobody gains by waiting for more of it.
    const gatherMs = /^(file|decision)\./.test(name) ? GATHER_MS : 0;
    return Math.max(nowMs + gatherMs, pace === undefined ? 0 : pace.lastMs + PAUSES_MS[pace.pause]!);
  }
}

const WHAT: Partial<Record<NoticeType, string>> = {
  'file.finished': 'files finished',
  'file.failed': 'files failed',
  'file.refused': 'files were refused',
  'decision.waiting': 'files wait for a decision',
};

function bodyOf({ type, subject, first, last, count, files }: Group, installation: string): NotificationBody {
  const names = files.slice(0, MOST_IN_TEXT).map(({ file }) => file);
  const more = count - names.length;
  const what = WHAT[type];
  const together = what === undefined ? last.text : `${count} ${what}, endpoint ${subject}: ${names.join(', ')}`;
  const text = count === 1 ? first.text : `${together}${what !== undefined && more > 0 ? ` and ${more} more` : ''}`;
  const data = { installation, subject, count, files, details: last.details ?? null };
  return { type, timestamp: first.at, text, data };
}
