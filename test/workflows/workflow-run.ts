/**
 * One run of a workflow without a server: the bundle that workers load, in the SDK's own sandbox, driven activation by activation as the core
 * of the SDK drives it. Activities are functions of the test, and time is virtual: it goes on only to the next timer or to the end of a
 * `sleep`. What Temporal's server does is done here as far as wds's workflows see it: retries of activities, cancellation, updates, queries.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  DefaultFailureConverter,
  defaultPayloadConverter,
  encodeInitialVersioningBehavior,
  TypedSearchAttributes,
} from '@temporalio/common';
import { coresdk } from '@temporalio/proto';
import { parseWorkflowCode } from '@temporalio/worker/lib/worker.js';
import type { Workflow, WorkflowCreateOptions } from '@temporalio/worker/lib/workflow/interface.js';
import { ReusableVMWorkflowCreator } from '@temporalio/worker/lib/workflow/reusable-vm.js';
import type { ActivityCall, MockedActivities } from './activity-desk.ts';
import { ActivityDesk, fromPayload, msOf, toPayload } from './activity-desk.ts';

type Job = coresdk.workflow_activation.IWorkflowActivationJob;
type Command = coresdk.workflow_commands.IWorkflowCommand;

const { WorkflowActivation } = coresdk.workflow_activation;
const failures = new DefaultFailureConverter();

const START_MS = Date.parse('2026-01-01T00:00:00Z');
/** Activations of one run at most: a workflow that goes round in circles fails its test. */
const MOST_ACTIVATIONS = 100_000;
/** Each activity, and each timer, leaves three events and a workflow task of three. */
const EVENTS_A_JOB = 6;

export type RunEnd =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly failure: Error }
  | { readonly kind: 'cancelled' }
  /** `taskQueue`: '' for that of the run itself. */
  | {
      readonly kind: 'continued';
      readonly input: unknown;
      readonly taskQueue: string;
      readonly memo: object;
      /** Whether the next run begins on the current version of the workers. */
      readonly upgrades: boolean;
    };

interface Later {
  readonly atMs: number;
  readonly act: () => void;
}

const AUTO_UPGRADE = encodeInitialVersioningBehavior('AUTO_UPGRADE');
const protoTime = (ms: number): never => ({ seconds: Math.floor(ms / 1_000), nanos: (ms % 1_000) * 1e6 }) as never;

/** The sandbox asks for these by name before it schedules them. */
const LOCAL_ACTIVITIES = ['applyTaskQueueRate', 'readChunks', 'beginRound', 'writeReport', 'tellNotice'];

let creator: Promise<ReusableVMWorkflowCreator> | undefined;

async function loadBundle(): Promise<ReusableVMWorkflowCreator> {
  const path = resolve('dist/workflow-bundle.js');
  const bundle = await parseWorkflowCode(readFileSync(path, 'utf8'), path);
  return ReusableVMWorkflowCreator.create(bundle, 10_000, new Set(LOCAL_ACTIVITIES));
}

export class WorkflowRun {
  /** Set by the test, to be near the end of a run's history. */
  historyLength = 3;
  /** Set by the test: the version of the worker that runs it, and whether another one has become the current one since. */
  version: { readonly deploymentName: string; readonly buildId: string } | undefined;
  versionChanged = false;
  /** What its worker says to the server of how it moves between versions. */
  behavior: number | undefined;
  end: RunEnd | undefined;
  readonly #desk: ActivityDesk;
  readonly #runId: string;
  #workflow!: Workflow;
  #nowMs = START_MS;
  #jobs: Job[] = [];
  #later: Later[] = [];
  #activations = 0;
  #requests = 0;
  readonly #timers = new Map<number, Later>();
  readonly #answers = new Map<string, { resolve(value: unknown): void; reject(error: Error): void }>();

  private constructor(runId: string, activities: MockedActivities) {
    this.#runId = runId;
    this.#desk = new ActivityDesk(activities, {
      after: (ms, act) => void this.#at(ms, act),
      settled: (resolveActivity) => void this.#jobs.push({ resolveActivity }),
    });
  }

  /** Starts a workflow; nothing runs before the first `drain`, `until` or `ended`. */
  static async start(workflowType: string, input: unknown, activities: MockedActivities): Promise<WorkflowRun> {
    creator ??= loadBundle();
    const run = new WorkflowRun(`run-${Math.random().toString(36).slice(2)}`, activities);
    const runId = run.#runId;
    const { prepareStackTrace } = Error;
    run.#workflow = await (await creator).createWorkflow(run.#createOptions(workflowType));
    // The sandbox writes stacks in its own way, and vitest could not tell any more where a test failed.
    if (prepareStackTrace !== undefined) Error.prepareStackTrace = prepareStackTrace;
    run.#jobs.push({
      initializeWorkflow: {
        workflowType,
        workflowId: 'workflow',
        arguments: [toPayload(input)],
        firstExecutionRunId: runId,
        startTime: protoTime(START_MS),
        attempt: 1,
      },
    });
    return run;
  }

  #createOptions(workflowType: string): WorkflowCreateOptions {
    const time = new Date(START_MS);
    const unsafe = { now: () => this.#nowMs, isReplaying: false, isReplayingHistoryEvents: false };
    return {
      info: {
        ...{ workflowId: 'workflow', runId: this.#runId, workflowType, taskQueue: 'files', namespace: 'default' },
        ...{ searchAttributes: {}, typedSearchAttributes: new TypedSearchAttributes(), attempt: 1 },
        ...{ historyLength: 3, historySize: 0, continueAsNewSuggested: false, taskTimeoutMs: 10_000 },
        ...{ firstExecutionRunId: this.#runId, originalExecutionRunId: this.#runId, startTime: time },
        ...{ runStartTime: time, targetWorkerDeploymentVersionChanged: false, unsafe: unsafe as never },
      },
      randomnessSeed: [1, 2, 3, 4, 5, 6, 7, 8],
      now: START_MS,
      showStackTraceSources: false,
    };
  }

  get nowMs(): number {
    return this.#nowMs;
  }
  /** All calls of activities, each attempt, in order. */
  get calls(): readonly ActivityCall[] {
    return this.#desk.calls;
  }
  /** Activities that were called and have not ended. */
  get openActivities(): number {
    return this.#desk.open;
  }

  callsOf<Input>(name: string): Input[] {
    return this.calls.filter((call) => call.name === name).map(({ input }) => input as Input);
  }

  /** For activities of the test: so long in virtual time. */
  sleep(ms: number): Promise<void> {
    return new Promise((act) => this.#at(ms, act));
  }

  #at(afterMs: number, act: () => void): Later {
    const later = { atMs: this.#nowMs + afterMs, act };
    this.#later.push(later);
    this.#later.sort((a, b) => a.atMs - b.atMs);
    return later;
  }

  signal(signalName: string, ...args: unknown[]): void {
    this.#jobs.push({ signalWorkflow: { signalName, input: args.map(toPayload) } });
  }

  cancel(): void {
    this.#jobs.push({ cancelWorkflow: { reason: 'ordered' } });
  }

  async query<Result>(queryType: string): Promise<Result> {
    await this.drain();
    return this.#ask<Result>((queryId) => ({ queryWorkflow: { queryId, queryType, arguments: [] } }), true);
  }

  /** Rejects where the workflow refuses it, or fails at it. */
  async update<Result>(name: string, ...args: readonly unknown[]): Promise<Result> {
    const input = args.map(toPayload);
    return this.#ask<Result>(
      (id) => ({ doUpdate: { id, protocolInstanceId: id, name, input, runValidator: true, meta: { updateId: id } } }),
      false,
    );
  }

  async #ask<Result>(jobFor: (id: string) => Job, alone: boolean): Promise<Result> {
    const id = `request-${++this.#requests}`;
    const answer = new Promise<unknown>((resolve, reject) => this.#answers.set(id, { resolve, reject }));
    answer.catch(() => undefined);
    if (alone) await this.#activate([jobFor(id)]);
    else {
      this.#jobs.push(jobFor(id));
      await this.drain();
    }
    return (await answer) as Result;
  }

  /** Lets everything run that can without time going on. */
  async drain(): Promise<void> {
    for (;;) {
      await nextTurn();
      await nextTurn();
      if (this.#jobs.length === 0 || this.end !== undefined) return;
      const jobs = this.#jobs;
      this.#jobs = [];
      await this.#activate(jobs);
    }
  }

  /** Lets time go on until `condition` holds. */
  async until(condition: () => boolean): Promise<void> {
    for (;;) {
      await this.drain();
      if (condition()) return;
      const next = this.#later.shift();
      if (next === undefined || this.end !== undefined) throw new Error('nothing happens any more');
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.act();
    }
  }

  /** Lets time go on to the end of the run. */
  async ended(): Promise<RunEnd> {
    await this.until(() => this.end !== undefined);
    await this.#workflow.dispose();
    return this.end!;
  }

  async #activate(jobs: readonly Job[]): Promise<void> {
    this.#activations += 1;
    if (this.#activations > MOST_ACTIVATIONS) throw new Error('the workflow goes round in circles');
    const isQuery = jobs.some(({ queryWorkflow }) => queryWorkflow);
    if (!isQuery) this.historyLength += EVENTS_A_JOB * jobs.length;
    const frame = {
      ...{ runId: this.#runId, timestamp: protoTime(this.#nowMs), historyLength: this.historyLength },
      ...{ deploymentVersionForCurrentTask: this.version, targetWorkerDeploymentVersionChanged: this.versionChanged },
    };
    const activation = WorkflowActivation.fromObject({ ...frame, jobs });
    const completion = await this.#workflow.activate(activation);
    // No sinks here; what is logged within a workflow is of no interest.
    await this.#workflow.getAndResetSinkCalls();
    if (completion.failed) throw failures.failureToError(completion.failed.failure ?? {}, defaultPayloadConverter);
    this.behavior = completion.successful?.versioningBehavior || undefined;
    for (const command of completion.successful?.commands ?? []) this.#do(command);
  }

  #do(command: Command): void {
    if (command.scheduleActivity) this.#desk.schedule(command.scheduleActivity, command.userMetadata, false);
    else if (command.scheduleLocalActivity) this.#desk.schedule(command.scheduleLocalActivity, null, true);
    else if (command.requestCancelActivity) this.#desk.requestCancel(command.requestCancelActivity.seq ?? 0);
    else if (command.startTimer) this.#startTimer(command.startTimer);
    else if (command.cancelTimer) this.#cancelTimer(command.cancelTimer.seq ?? 0);
    else if (command.respondToQuery) this.#answerQuery(command.respondToQuery);
    else if (command.updateResponse) this.#answerUpdate(command.updateResponse);
    else if (command.modifyWorkflowProperties || command.upsertWorkflowSearchAttributes || command.setPatchMarker)
      return;
    else this.end = endOf(command);
  }

  #startTimer({ seq, startToFireTimeout }: coresdk.workflow_commands.IStartTimer): void {
    const fire = this.#at(msOf(startToFireTimeout), () => {
      this.#timers.delete(seq ?? 0);
      this.#jobs.push({ fireTimer: { seq: seq ?? 0 } });
    });
    this.#timers.set(seq ?? 0, fire);
  }

  #cancelTimer(seq: number): void {
    const timer = this.#timers.get(seq);
    this.#later = this.#later.filter((later) => later !== timer);
  }

  #answerQuery({ queryId, succeeded, failed }: coresdk.workflow_commands.IQueryResult): void {
    const answer = this.#answers.get(queryId ?? '');
    if (failed) answer?.reject(failures.failureToError(failed, defaultPayloadConverter));
    else answer?.resolve(fromPayload(succeeded?.response));
  }

  #answerUpdate({ protocolInstanceId, rejected, completed }: coresdk.workflow_commands.IUpdateResponse): void {
    const answer = this.#answers.get(protocolInstanceId ?? '');
    if (rejected) answer?.reject(failures.failureToError(rejected, defaultPayloadConverter));
    else if (completed) answer?.resolve(fromPayload(completed));
  }
}

function endOf(command: Command): RunEnd {
  const { completeWorkflowExecution, failWorkflowExecution, continueAsNewWorkflowExecution } = command;
  if (completeWorkflowExecution) return { kind: 'completed', result: fromPayload(completeWorkflowExecution.result) };
  if (command.cancelWorkflowExecution) return { kind: 'cancelled' };
  if (continueAsNewWorkflowExecution) {
    const { arguments: args, taskQueue, memo, initialVersioningBehavior } = continueAsNewWorkflowExecution;
    const remembered = Object.entries(memo ?? {}).map(([key, value]) => [key, fromPayload(value)]);
    const upgrades = initialVersioningBehavior === AUTO_UPGRADE;
    const next = { taskQueue: taskQueue ?? '', memo: Object.fromEntries(remembered), upgrades };
    return { kind: 'continued', input: fromPayload(args?.[0]), ...next };
  }
  if (failWorkflowExecution) {
    const failure = failures.failureToError(failWorkflowExecution.failure ?? {}, defaultPayloadConverter);
    return { kind: 'failed', failure };
  }
  throw new Error(`an unexpected command: ${JSON.stringify(command)}`);
}
