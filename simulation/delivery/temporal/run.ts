/** One run of a workflow, as the server keeps it. */
import type { ActivityTask } from './activity-task.ts';
import type { ActivityRequest, WorkflowRuntime } from './workflow-runtime.ts';

export type RunStatus = 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TERMINATED' | 'CONTINUED_AS_NEW';

export type WorkflowFunction = (input: never) => Promise<unknown>;

export interface TemporalPace {
  /** Longest ordinary time from what happened to the workflow's reaction. */
  readonly workflowTaskMs: number;
  /** Share of reactions that take up to `stallMs`: the worker that had the task was killed. */
  readonly stalls: number;
  readonly stallMs: number;
  /** Shares of dispatched tasks that never arrive, and that two workers get. */
  readonly lostTasks: number;
  readonly doubledTasks: number;
}

/** What a run has been told, in order: a reset begins with a part of it. */
export type Told = {
  /** Of the history, when it was told: workflows look at it. */
  readonly historyLength: number;
} & (
  | { readonly kind: 'activity'; readonly number: number; readonly tell: (request: ActivityRequest) => void }
  | { readonly kind: 'signal'; readonly name: string; readonly args: unknown[] }
  | { readonly kind: 'cancel' }
);

export interface Replayed {
  readonly request: ActivityRequest;
  task: ActivityTask | undefined;
  cancelled: boolean;
}

export type Memo = Readonly<Record<string, unknown>>;

export class Run {
  status: RunStatus = 'RUNNING';
  result: unknown;
  failure: Error | undefined;
  cancelRequested = false;
  readonly runId: string;
  readonly workflowId: string;
  readonly input: unknown;
  readonly memo: Memo;
  readonly told: Told[] = [];
  /** What has happened and was not told yet. */
  readonly news: (() => void)[] = [];
  readonly open = new Map<number, ActivityTask>();
  runtime!: WorkflowRuntime;

  constructor(runId: string, workflowId: string, input: unknown, memo: Memo) {
    this.runId = runId;
    this.workflowId = workflowId;
    this.input = input;
    this.memo = memo;
  }
}
