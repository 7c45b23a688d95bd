/** Temporal's CancellationScope, as far as wds uses it: cancel, nonCancellable, cancellable, run; cancellation goes down to inner scopes. */
import { CancelledFailure } from '@temporalio/common';
import { WorkflowRuntime } from './workflow-runtime.ts';

const NO_PARENT = Symbol('no parent');

export interface CancellationScopeOptions {
  readonly cancellable?: boolean;
  readonly parent?: CancellationScope | typeof NO_PARENT;
}

export class CancellationScope {
  readonly cancellable: boolean;
  /** A non-cancellable scope notes the request, too, but nothing in it is cancelled. */
  #requested: CancelledFailure | undefined;
  readonly #listeners = new Set<(failure: CancelledFailure) => void>();
  readonly #runtime: WorkflowRuntime;

  constructor({ cancellable = true, parent }: CancellationScopeOptions = {}, runtime = WorkflowRuntime.get()) {
    this.cancellable = cancellable;
    this.#runtime = runtime;
    if (parent === NO_PARENT) return;
    const outer = parent ?? runtime.scope;
    if (!outer.cancellable) return;
    if (outer.#requested !== undefined) this.#requested = outer.#requested;
    else outer.#listeners.add((failure) => this.cancelWith(failure));
  }

  get consideredCancelled(): boolean {
    return this.cancellable && this.#requested !== undefined;
  }

  get failure(): CancelledFailure | undefined {
    return this.cancellable ? this.#requested : undefined;
  }

  /** Returns a remover. Never called in a scope that cannot be cancelled. */
  onCancel(listener: (failure: CancelledFailure) => void): () => void {
    if (!this.cancellable) return () => undefined;
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cancel(): void {
    this.cancelWith(new CancelledFailure('Cancellation scope cancelled'));
  }

  cancelWith(failure: CancelledFailure): void {
    if (this.#requested !== undefined) return;
    this.#requested = failure;
    if (!this.cancellable) return;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener(failure);
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const runtime = this.#runtime;
    const outer = runtime.scope;
    runtime.scope = this;
    const working = work();
    runtime.scope = outer;
    try {
      return await working;
    } finally {
      runtime.scope = outer;
    }
  }

  static current(): CancellationScope {
    return WorkflowRuntime.get().scope;
  }

  static cancellable<T>(work: () => Promise<T>): Promise<T> {
    return new CancellationScope().run(work);
  }

  static nonCancellable<T>(work: () => Promise<T>): Promise<T> {
    return new CancellationScope({ cancellable: false }).run(work);
  }
}

export const rootScope = (runtime: WorkflowRuntime): CancellationScope =>
  new CancellationScope({ parent: NO_PARENT }, runtime);
