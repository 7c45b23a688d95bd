/**
 * The Temporal server of a simulation: workflow executions with their runs, the task queues, and the orders that clients give. Executions are
 * never lost; what workers and clients hear of them may be.
 */
import { TemporalFailure, TerminatedFailure } from '@temporalio/common';
import type { Chance } from '../../chance.ts';
import type { Scheduler } from '../scheduler.ts';
import { ActivityTask } from './activity-task.ts';
import { isCancellation } from './failures.ts';
import type { Memo, Replayed, RunStatus, TemporalPace, Told, WorkflowFunction } from './run.ts';
import { Run } from './run.ts';
import type { WorkerHost } from './worker-host.ts';
import type { ActivityHandle, ActivityRequest, WorkflowEnd } from './workflow-runtime.ts';
import { WorkflowRuntime } from './workflow-runtime.ts';

export class SimTemporal {
  readonly scheduler: Scheduler;
  readonly executions = new Map<string, Run[]>();
  /** Runs that the server has forgotten. */
  readonly forgotten: Run[] = [];
  trace: ((text: string) => void) | undefined;
  readonly counts = new Map<string, number>();
  /** Told of each end. */
  onEnd: (run: Run) => void = () => undefined;
  /** Told of an error that would fail a workflow task, again and again. */
  onStuck: (run: Run, error: unknown) => void = () => undefined;
  readonly #workers = new Set<WorkerHost>();
  readonly #workflow: WorkflowFunction;
  readonly #chance: Chance;
  readonly #pace: TemporalPace;
  readonly #waiting = new Map<string, ActivityTask[]>();
  readonly #idle = new Map<string, Run>();
  #runs = 0;

  constructor(scheduler: Scheduler, workflow: WorkflowFunction, chance: Chance, pace: TemporalPace) {
    this.scheduler = scheduler;
    this.#workflow = workflow;
    this.#chance = chance;
    this.#pace = pace;
  }

  get nowMs(): number {
    return this.scheduler.nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    return this.scheduler.after(delayMs, undefined, run);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  latest(workflowId: string): Run | undefined {
    return this.executions.get(workflowId)?.at(-1) ?? this.#idle.get(workflowId);
  }

  /** One that nobody runs, such as a governor here: it is there, and says whose it is. */
  startIdle(workflowId: string, memo: Memo): void {
    this.#idle.set(workflowId, new Run(`run-${++this.#runs}`, workflowId, undefined, memo));
  }

  start(workflowId: string, input: unknown, memo: Memo, replay: readonly Told[] = []): Run {
    const run = new Run(`run-${++this.#runs}`, workflowId, input, memo);
    const runs = this.executions.get(workflowId);
    if (runs === undefined) this.executions.set(workflowId, [run]);
    else runs.push(run);
    this.trace?.(`server: ${run.runId} of ${workflowId.slice(0, 13)} starts`);
    /** While the beginning is told again, what was answered then is not scheduled anew. */
    let replayed: Map<number, Replayed> | undefined = new Map();
    const schedule = (request: ActivityRequest): ActivityHandle => {
      run.runtime.historyLength += 3;
      if (replayed === undefined) return this.#task(run, request);
      const asked: Replayed = { request, task: undefined, cancelled: false };
      replayed.set(request.number, asked);
      return {
        requestCancel: () => {
          asked.cancelled = true;
          asked.task?.requestCancel();
        },
      };
    };
    run.runtime = new WorkflowRuntime(
      {
        runId: run.runId,
        workflowId,
        startActivity: schedule,
        startTimer: (delayMs, fire) => this.after(delayMs, () => this.#tell(run, fire)),
        ended: (end) => this.#ended(run, end),
      },
      () => this.scheduler.drain(),
    );
    this.after(this.#reactionMs(), () => {
      if (run.status !== 'RUNNING') return;
      run.runtime.start(this.#workflow, input);
      for (const told of replay) this.#tellAgain(run, told, replayed!);
      const left = [...replayed!.values()];
      replayed = undefined;
      for (const asked of left) {
        asked.task = this.#task(run, asked.request);
        if (asked.cancelled) asked.task.requestCancel();
      }
    });
    return run;
  }

  #tellAgain(run: Run, told: Told, requests: Map<number, Replayed>): void {
    run.told.push(told);
    run.runtime.historyLength = told.historyLength;
    if (told.kind === 'cancel') run.cancelRequested = true;
    run.runtime.activate(() => {
      if (told.kind === 'cancel') return run.runtime.cancel();
      if (told.kind === 'signal') return run.runtime.signal(told.name, told.args);
      const asked = requests.get(told.number);
      requests.delete(told.number);
      if (asked !== undefined) told.tell(asked.request);
    });
  }

  signal(run: Run, name: string, args: unknown[]): void {
    run.runtime.historyLength++;
    this.#tell(run, () => {
      run.told.push({ kind: 'signal', name, args, historyLength: run.runtime.historyLength });
      run.runtime.signal(name, args);
    });
  }

  cancel(run: Run): void {
    run.cancelRequested = true;
    this.#tell(run, () => {
      run.told.push({ kind: 'cancel', historyLength: run.runtime.historyLength });
      run.runtime.cancel();
    });
  }

  terminate(run: Run): void {
    if (run.status !== 'RUNNING') return;
    this.trace?.(`server: ${run.runId} is terminated`);
    run.failure = new TerminatedFailure('terminated');
    this.#close(run, 'TERMINATED');
  }

  /** Its retention is over. */
  forget(workflowId: string): void {
    if (this.latest(workflowId)?.status === 'RUNNING') return;
    this.forgotten.push(...(this.executions.get(workflowId) ?? []));
    this.executions.delete(workflowId);
  }

  /** Ends the run, if it is open, and begins another one with the first `events` of what it was told. */
  reset(run: Run, events: number): Run {
    this.terminate(run);
    return this.start(run.workflowId, run.input, run.memo, run.told.slice(0, events));
  }

  addWorker(worker: WorkerHost): void {
    this.#workers.add(worker);
    worker.process.onDeath(() => this.#workers.delete(worker));
    this.freed(worker.taskQueue);
  }

  removeWorker(worker: WorkerHost): void {
    this.#workers.delete(worker);
  }

  /** A worker of this queue may take more. */
  freed(taskQueue: string): void {
    const waiting = this.#waiting.get(taskQueue);
    if (waiting === undefined || waiting.length === 0) return;
    this.after(this.#chance.between(0, 5), () => {
      for (const task of waiting.splice(0)) if (task.state === 'waiting') this.dispatch(task);
    });
  }

  dispatch(task: ActivityTask): void {
    const { taskQueue } = task.request.options;
    const polling = [...this.#workers].filter((worker) => worker.taskQueue === taskQueue && worker.polls);
    if (polling.length === 0) {
      const waiting = this.#waiting.get(taskQueue);
      if (waiting === undefined) this.#waiting.set(taskQueue, [task]);
      else waiting.push(task);
      return;
    }
    const worker = this.#chance.pick(polling);
    const attempt = task.started();
    const lost = this.#chance.happens(this.#pace.lostTasks);
    this.trace?.(`server: ${task.label} #${attempt} to ${worker.process.name}${lost ? ', lost' : ''}`);
    if (!lost) worker.take(task, attempt);
    if (polling.length > 1 && this.#chance.happens(this.#pace.doubledTasks)) {
      this.#chance.pick(polling.filter((other) => other !== worker)).take(task, attempt);
    }
  }

  #task(run: Run, request: ActivityRequest): ActivityTask {
    const { number } = request;
    const told = (tell: (request: ActivityRequest) => void): void =>
      this.#tell(run, () => {
        run.told.push({ kind: 'activity', number, tell, historyLength: run.runtime.historyLength });
        tell(request);
      });
    const label = `${run.runId} ${request.name}/${number}`;
    const task = new ActivityTask(
      this,
      label,
      {
        ...request,
        done: (result) => told((of) => of.done(result)),
        failed: (error) => told((of) => of.failed(error)),
      },
      () => run.open.delete(number),
    );
    run.open.set(number, task);
    this.after(this.#chance.between(0, 5), () => {
      if (task.state === 'waiting') this.dispatch(task);
    });
    return task;
  }

  /** The workflow hears of it a little later, and of everything in the order in which it happened. */
  #tell(run: Run, happen: () => void): void {
    if (run.news.push(happen) > 1) return;
    this.after(this.#reactionMs(), () => {
      if (run.status !== 'RUNNING') return;
      run.runtime.historyLength += 3;
      for (const news of run.news.splice(0)) run.runtime.activate(news);
    });
  }

  #reactionMs(): number {
    const { workflowTaskMs, stalls, stallMs } = this.#pace;
    return this.#chance.happens(stalls) ? this.#chance.between(0, stallMs) : this.#chance.between(0, workflowTaskMs);
  }

  #ended(run: Run, end: WorkflowEnd): void {
    if (end.kind === 'continued') {
      this.#close(run, 'CONTINUED_AS_NEW');
      this.start(run.workflowId, end.input, run.memo);
      return;
    }
    if (end.kind === 'completed') {
      run.result = end.result;
      this.#close(run, 'COMPLETED');
      return;
    }
    const { error } = end;
    run.failure = error instanceof Error ? error : new Error(String(error));
    if (isCancellation(error) && run.cancelRequested) this.#close(run, 'CANCELLED');
    else if (error instanceof TemporalFailure) this.#close(run, 'FAILED');
    else {
      this.onStuck(run, error);
      this.#close(run, 'FAILED');
    }
  }

  #close(run: Run, status: RunStatus): void {
    run.status = status;
    this.count(`run ${status}`);
    run.runtime.abandon();
    const open = [...run.open.values()];
    run.open.clear();
    for (const task of open) task.abandon();
    this.trace?.(`server: ${run.runId} ${status}${run.failure === undefined ? '' : `: ${run.failure.message}`}`);
    this.onEnd(run);
  }
}
