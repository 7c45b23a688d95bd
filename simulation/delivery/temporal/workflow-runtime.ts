/**
 * One run of a workflow, in the place of Temporal's own runtime (workflow-double.ts is what the workflow code imports). There is no replay: the
 * function is called once and lives on. What the runtime resumes it resumes one after another, each under the cancellation scope in which
 * it was awaited, so that scopes hold across awaits as they do in the real one.
 */
import { CancelledFailure } from '@temporalio/common';
import type { CancellationScope } from './cancellation-scope.ts';
import { rootScope } from './cancellation-scope.ts';

/** What a workflow asks of the server. */
export interface WorkflowHost {
  readonly runId: string;
  readonly workflowId: string;
  /** The result comes by `runtime.resume`. */
  startActivity(request: ActivityRequest): ActivityHandle;
  startTimer(delayMs: number, fire: () => void): () => void;
  /** The function has returned or thrown. */
  ended(end: WorkflowEnd): void;
}

export interface ActivityRequest {
  /** Counts the activities of this run. */
  readonly number: number;
  readonly name: string;
  readonly input: unknown;
  readonly options: ActivityRequestOptions;
  done(result: unknown): void;
  failed(error: Error): void;
}

export interface ActivityRequestOptions {
  readonly taskQueue: string;
  readonly startToCloseMs: number;
  readonly heartbeatMs: number | undefined;
  readonly initialIntervalMs: number;
  readonly maximumIntervalMs: number | undefined;
  readonly backoffCoefficient: number;
  readonly maximumAttempts: number;
  readonly nonRetryableErrorTypes: readonly string[];
  readonly waitsForCancellation: boolean;
}

export interface ActivityHandle {
  requestCancel(): void;
}

export type WorkflowEnd =
  | { readonly kind: 'completed'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'continued'; readonly input: unknown };

/** Thrown by continueAsNew. */
export class ContinueAsNew extends Error {
  readonly input: unknown;

  constructor(input: unknown) {
    super('continue as new');
    this.name = 'ContinueAsNew';
    this.input = input;
  }
}

interface Condition {
  readonly holds: () => boolean;
  readonly scope: CancellationScope;
  readonly resolve: () => void;
}

export class WorkflowRuntime {
  /** Whose code is running. */
  static current: WorkflowRuntime | undefined;

  readonly host: WorkflowHost;
  /** What the run was started with. */
  input: unknown;
  readonly root: CancellationScope;
  scope: CancellationScope;
  historyLength = 2;
  activities = 0;
  details = '';
  readonly signalHandlers = new Map<string, (...args: unknown[]) => void>();
  readonly queryHandlers = new Map<string, (...args: unknown[]) => unknown>();
  readonly #drain: () => void;
  #conditions: Condition[] = [];
  #resumptions: { readonly scope: CancellationScope; readonly run: () => void }[] = [];
  #earlySignals: [string, unknown[]][] = [];
  #over = false;

  constructor(host: WorkflowHost, drain: () => void) {
    this.host = host;
    this.#drain = drain;
    this.root = rootScope(this);
    this.scope = this.root;
  }

  static get(): WorkflowRuntime {
    if (WorkflowRuntime.current === undefined) throw new Error('called outside of a workflow');
    return WorkflowRuntime.current;
  }

  get over(): boolean {
    return this.#over;
  }

  start(workflow: (input: never) => Promise<unknown>, input: unknown): void {
    this.input = input;
    this.activate(() => {
      workflow(input as never).then(
        (result) => this.#end({ kind: 'completed', result }),
        (error: unknown) =>
          this.#end(
            error instanceof ContinueAsNew ? { kind: 'continued', input: error.input } : { kind: 'failed', error },
          ),
      );
    });
  }

  /** Applies what has happened, and lets the workflow react until it waits again. */
  activate(happen: () => void): void {
    if (this.#over) return;
    const outer = WorkflowRuntime.current;
    WorkflowRuntime.current = this;
    try {
      this.resume(this.root, happen);
      do {
        for (let next = this.#resumptions.shift(); next !== undefined; next = this.#resumptions.shift()) {
          this.scope = next.scope;
          next.run();
          this.#drain();
        }
      } while (this.#unblock());
    } finally {
      WorkflowRuntime.current = outer;
    }
  }

  /** For a termination: nothing of it runs on. */
  abandon(): void {
    this.#over = true;
    this.#conditions = [];
    this.#resumptions = [];
  }

  resume(scope: CancellationScope, run: () => void): void {
    this.#resumptions.push({ scope, run });
  }

  addCondition(condition: Condition): () => void {
    this.#conditions.push(condition);
    return () => {
      this.#conditions = this.#conditions.filter((other) => other !== condition);
    };
  }

  signal(name: string, args: unknown[]): void {
    const handler = this.signalHandlers.get(name);
    if (handler === undefined) this.#earlySignals.push([name, args]);
    else handler(...args);
  }

  handleSignals(name: string, handler: (...args: unknown[]) => void): void {
    this.signalHandlers.set(name, handler);
    const early = this.#earlySignals.filter(([of]) => of === name);
    this.#earlySignals = this.#earlySignals.filter(([of]) => of !== name);
    for (const [, args] of early) this.resume(this.root, () => handler(...args));
  }

  cancel(): void {
    this.root.cancelWith(new CancelledFailure('Workflow cancelled'));
  }

  /** All that hold by now are resolved, whatever those that are resumed first change. */
  #unblock(): boolean {
    const holding = this.#conditions.filter((condition) => condition.holds());
    if (holding.length === 0) return false;
    this.#conditions = this.#conditions.filter((condition) => !holding.includes(condition));
    for (const { scope, resolve } of holding) this.resume(scope, resolve);
    return true;
  }

  #end(end: WorkflowEnd): void {
    if (this.#over) return;
    this.abandon();
    this.host.ended(end);
  }
}
