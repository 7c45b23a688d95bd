/**
 * Why a file does not get on: the one answer that `wds send`, `wds status`, the log and the pages give. What is known of it comes from four
 * places: its workflow, the steps that Temporal has pending, who takes tasks, and the governor of its endpoint. What somebody has to do something
 * about comes first. Pure.
 */
import type { FileProgress } from '../counts.ts';
import type { Waiting } from '../governor/contract.ts';
import { FAILURE } from '../names.ts';
import { plainText } from '../plain-text.ts';

export interface FileWaiting {
  /**
   * `file_paused`: by an operator. `decision`: somebody has to approve of it. `no_worker`: nobody takes its tasks. `time`: it is not the time for it, by its schedule. `suppression_list`: it cannot be read. `store`: the disk, or the store, refuses. `machine`: no descriptor, port
   * or buffer left. `earlier_file`: rows wait for those of another file. `turn`: other files are sent first. The rest is the endpoint's.
   */
  readonly why:
    | Waiting['why']
    | 'file_paused'
    | 'decision'
    | 'no_worker'
    | 'time'
    | 'suppression_list'
    | 'store'
    | 'machine'
    | 'earlier_file'
    | 'turn';
  /** In words, without a time: what follows "waiting: ". */
  readonly text: string;
  /** ISO 8601. */
  readonly since: string | null;
  readonly until: string | null;
}

/** A step of the file that Temporal has pending. */
export interface PendingStep {
  /** Sending to the endpoint; otherwise reading or reporting. */
  readonly sends: boolean;
  /** A worker is at it. */
  readonly started: boolean;
  /** Not started: when it could be taken, later than now where it rests. Started: when its worker was last heard of. Time of day. */
  readonly dueMs: number;
  /** What its last try failed with; undefined: it did not, or its worker was lost. */
  readonly failure: { readonly type: string; readonly message: string } | undefined;
}

export interface FileSigns {
  readonly endpoint: string;
  /** undefined: nobody answers for its workflow. */
  readonly progress: Pick<FileProgress, 'phase' | 'decision' | 'closed'> | undefined;
  readonly steps: readonly PendingStep[];
  /** Who has lately asked for tasks. A worker that was killed is still counted for a minute. */
  readonly pollers: { readonly files: boolean; readonly alerts: boolean };
  /** Which version's workers its workflow needs: `wds:0.2.0`. undefined: workers are not versioned. `none`: they are, and none is the current one. */
  readonly needs?: string | undefined;
  /** Workers that took its last workflow task failed, again and again: their code does not fit its history. Absent: not so. */
  readonly unfit?: boolean;
  /** The governor's view; undefined: it does not answer, or there is none. */
  readonly governor:
    | {
        readonly waiting?: Waiting | null;
        readonly activeWorkers: number;
        /** null: no limit. */
        readonly ratePerSecond: number | null;
      }
    | undefined;
  readonly nowMs: number;
}

/** A step that is not taken for so long is one that nobody takes. */
const UNTAKEN_MS = 3_000;
/** Heartbeats come every five seconds. */
const UNHEARD_MS = 7_000;

const LASTING: Readonly<Record<string, FileWaiting['why']>> = {
  [FAILURE.store]: 'store',
  [FAILURE.otherInstallation]: 'store',
  [FAILURE.suppressionList]: 'suppression_list',
  [FAILURE.localFault]: 'machine',
  [FAILURE.unknownEndpoint]: 'no_worker',
  [FAILURE.earlierFile]: 'earlier_file',
};
/** A worker's rest after these is over in a moment. */
const PASSING: ReadonlySet<string> = new Set([FAILURE.superseded, FAILURE.shuttingDown, FAILURE.standingBy]);

const because = (why: FileWaiting['why'], text: string): FileWaiting => ({ why, text, since: null, until: null });

function noFilesWorker(needs: FileSigns['needs']): FileWaiting {
  if (needs === undefined) {
    return because('no_worker', 'no worker runs its workflow: start wds up, or wds worker --role files');
  }
  const text =
    needs === 'none'
      ? 'no version of the workers is the current one: temporal worker deployment set-current-version'
      : `no worker of version ${needs} goes on with its workflow: start one, or read its log; docs/upgrades.md has more`;
  return because('no_worker', text);
}

const NO_FIT = because(
  'no_worker',
  'no worker can go on with its workflow: read the log of the files workers (workflow_not_replayable); docs/upgrades.md has more',
);

const noAlertsWorker = (endpoint: string): FileWaiting =>
  because('no_worker', `no worker serves endpoint ${endpoint}: start wds up, or wds worker --role alerts`);

/** undefined: nothing is known to hold it up. */
export function fileWaiting({
  endpoint,
  progress,
  steps,
  pollers,
  governor,
  needs,
  unfit,
  nowMs,
}: FileSigns): FileWaiting | undefined {
  if (progress?.decision !== undefined) return because('decision', progress.decision);
  if (progress?.phase === 'paused') return because('file_paused', 'the file is paused; wds resume goes on with it');
  if (pollers.files && progress === undefined && unfit === true) return NO_FIT;
  if (!pollers.files || progress === undefined) return noFilesWorker(needs);
  if (progress.closed !== undefined) {
    const { opensMs, text } = progress.closed;
    return { why: 'time', text, since: null, until: new Date(opensMs).toISOString() };
  }
  for (const { failure } of steps) {
    const why = failure && LASTING[failure.type];
    if (why !== undefined) return because(why, plainText(failure!.message));
  }
  const waiting = governor?.waiting ?? undefined;
  if (waiting !== undefined && waiting.why !== 'trouble') return ofEndpoint(waiting);
  const sending = steps.filter((step) => step.sends && !isPassing(step));
  const untaken = sending.filter((step) => !step.started && nowMs - step.dueMs > UNTAKEN_MS);
  if (sending.length > 0 && !pollers.alerts) return noAlertsWorker(endpoint);
  const isAway = governor?.activeWorkers === 0;
  if (isAway && sending.some((step) => isSilent(step, nowMs))) return noAlertsWorker(endpoint);
  if (waiting !== undefined) return ofEndpoint(waiting);
  if (steps.some((step) => !step.sends && !step.started && nowMs - step.dueMs > UNTAKEN_MS)) {
    return because('turn', 'it has its turn: workers read other files');
  }
  if (sending.length > 0 && untaken.length === sending.length) {
    return because('turn', 'it has its turn: other files are sent');
  }
  return undefined;
}

const ofEndpoint = ({ why, text, since, until }: Waiting): FileWaiting => ({
  why,
  text: plainText(text),
  since,
  until,
});

const isPassing = ({ failure }: PendingStep): boolean => failure !== undefined && PASSING.has(failure.type);

/** A step that failed for a reason of its own rests, and has no worker meanwhile. */
const isSilent = ({ started, dueMs, failure }: PendingStep, nowMs: number): boolean =>
  failure === undefined && nowMs - dueMs > (started ? UNHEARD_MS : UNTAKEN_MS);
