/** Runs a command for a notification, which it reads from its standard input as a line of JSON. One that takes too long is ended. */
import { spawn } from 'node:child_process';
import type { Notification } from '../domain/notices/notifier-contracts.ts';
import { excerptOf } from '../domain/plain-text.ts';

const MOST_SHOWN = 200;
const MOST_KEPT = 4_096;
/** After it was asked to end. */
const KILL_AFTER_MS = 2_000;

export interface CommandOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

/** Resolves with what it printed, in a few words; rejects where it does not exit with 0. */
export function createCommand({ command, timeoutMs }: CommandOptions): (notification: Notification) => Promise<string> {
  const [program = '', ...args] = command;
  return ({ id, body }) =>
    new Promise((resolve, reject) => {
      // A group of its own: what a shell has started is ended with it.
      const child = spawn(program, args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: process.platform !== 'win32',
        env: { ...process.env, WDS_NOTIFICATION_ID: id, WDS_NOTIFICATION_TYPE: body.type },
      });
      let said = '';
      let isLate = false;
      const keep = (piece: Buffer): void => {
        if (said.length < MOST_KEPT) said += piece.toString('utf8');
      };
      child.stdout.on('data', keep);
      child.stderr.on('data', keep);
      const end = (signal: NodeJS.Signals): void => {
        try {
          if (process.platform === 'win32' || child.pid === undefined) child.kill(signal);
          else process.kill(-child.pid, signal);
        } catch {
          // It has ended.
        }
      };
      const timers = [
        setTimeout(() => {
          isLate = true;
          end('SIGTERM');
        }, timeoutMs),
        setTimeout(() => end('SIGKILL'), timeoutMs + KILL_AFTER_MS),
        // Whatever still holds its output open: nobody waits for that.
        setTimeout(() => settle(null, 'SIGKILL'), timeoutMs + 2 * KILL_AFTER_MS),
      ];
      const settle = (code: number | null, signal: string | null): void => {
        for (const timer of timers) clearTimeout(timer);
        const shown = excerptOf(said, MOST_SHOWN);
        const tail = shown === '' ? '' : `: ${shown}`;
        if (isLate) reject(new Error(`it took longer than ${timeoutMs / 1_000} s, and was ended${tail}`));
        else if (code === 0) resolve(`exit code 0${tail}`);
        else reject(new Error(`${code === null ? `ended by ${signal}` : `exit code ${code}`}${tail}`));
      };
      child.on('error', (error) => {
        for (const timer of timers) clearTimeout(timer);
        reject(new Error(`it cannot be run: ${error.message}`));
      });
      child.on('close', settle);
      // One that does not read is none of our business, unless it fails for it.
      child.stdin.on('error', () => undefined);
      child.stdin.end(`${JSON.stringify(body)}\n`);
    });
}
