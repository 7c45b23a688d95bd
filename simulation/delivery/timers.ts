/**
 * While a simulation runs, the timers and clocks of this Node process are those of the simulated process whose code runs. Nothing in a
 * simulation may wait for real time.
 */

import { Scheduler } from './scheduler.ts';
import { EPOCH_MS, SimProcess } from './sim-process.ts';

type Callback = (...args: unknown[]) => void;

class SimTimer {
  cancel: () => void = () => undefined;

  hasRef(): boolean {
    return true;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

const once = (callback: Callback, delayMs = 0, ...args: unknown[]): SimTimer => {
  const timer = new SimTimer();
  timer.cancel = SimProcess.running().after(delayMs, () => callback(...args));
  return timer;
};

const repeatedly = (callback: Callback, delayMs = 0, ...args: unknown[]): SimTimer => {
  const timer = new SimTimer();
  const process = SimProcess.running();
  const again = (): void => {
    timer.cancel = process.after(delayMs, () => {
      again();
      callback(...args);
    });
  };
  again();
  return timer;
};

const clear = (timer: SimTimer | undefined): void => timer?.cancel();

/** Runs `work` with simulated time in the place of the real one. */
export function inSimulatedTime<T>(work: () => T): T {
  const real = {
    setTimeout: globalThis.setTimeout,
    setInterval: globalThis.setInterval,
    setImmediate: globalThis.setImmediate,
    clearTimeout: globalThis.clearTimeout,
    clearInterval: globalThis.clearInterval,
    clearImmediate: globalThis.clearImmediate,
  };
  const { now } = Date;
  const monotonicNow = performance.now;
  Object.assign(globalThis, {
    setTimeout: once,
    setInterval: repeatedly,
    setImmediate: (callback: Callback, ...args: unknown[]) => once(callback, 0, ...args),
    clearTimeout: clear,
    clearInterval: clear,
    clearImmediate: clear,
  });
  Date.now = () => {
    const owner = Scheduler.active?.current;
    return owner instanceof SimProcess ? owner.wallMs() : EPOCH_MS + (Scheduler.active?.nowMs ?? 0);
  };
  performance.now = () => Scheduler.active?.nowMs ?? 0;
  try {
    return work();
  } finally {
    Object.assign(globalThis, real);
    Date.now = now;
    performance.now = monotonicNow;
  }
}
