/**
 * A command of wds as a process of its own, started as a user starts it. What it writes is kept; it is signalled and awaited by its own
 * process ID only.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DEFAULT_LIMIT_MS, until } from './waiting.ts';

export const LAUNCHER = fileURLToPath(new URL('../../../bin/wds.mjs', import.meta.url));

export interface Ended {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface ProcessPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export class WdsProcess {
  readonly name: string;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  #end: Ended | undefined;

  constructor(args: readonly string[], { cwd, env }: ProcessPlace) {
    const startedMs = performance.now();
    this.name = `wds ${args.join(' ')}`;
    this.#child = spawn(process.execPath, [LAUNCHER, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        const seconds = (performance.now() - startedMs) / 1_000;
        this.#end = { code, signal, stdout: this.stdout, stderr: this.stderr, seconds };
        resolve(this.#end);
      });
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get running(): boolean {
    return this.#end === undefined;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) process.kill(this.pid, signal);
  }

  /** Waits until it says so on stderr. Throws with what it said instead when it ends before that. */
  async says(text: string | RegExp, limitMs = DEFAULT_LIMIT_MS): Promise<void> {
    await until(
      `${this.name} says ${text}`,
      () => {
        if (typeof text === 'string' ? this.stderr.includes(text) : text.test(this.stderr)) return true;
        if (!this.running) throw new Error(`${this.name} ended before it said ${text}:\n${this.stderr}`);
        return false;
      },
      limitMs,
    );
  }

  async end(limitMs = DEFAULT_LIMIT_MS): Promise<Ended> {
    return until(`${this.name} ends; so far:\n${this.stderr}`, () => this.#end, limitMs);
  }

  /** For the end of a test: whatever state it is in, a stopped process included. */
  async destroy(): Promise<void> {
    this.kill('SIGKILL');
    await this.ended;
  }
}
