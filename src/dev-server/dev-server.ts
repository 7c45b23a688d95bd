/**
 * The Temporal dev server of a home: one at a time, its database in `<home>/temporal.db`, so that everything goes on after a restart. All
 * `wds` processes of a home share it. Whoever comes first starts it, whoever stops last ends it, and each of them starts it again when it
 * dies, on the same port: workers reconnect by themselves. It is told from any other server by a namespace of its own.
 *
 * Limits: one host; 127.0.0.1 only.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { findServer, serverToShare, withServerLock } from './find-server.ts';
import { ServerUser } from './server-users.ts';
import { SharedServer } from './shared-server.ts';
import type { StartOptions } from './start-server.ts';
import { startServer } from './start-server.ts';
import { findTemporalCli } from './temporal-cli.ts';

export interface DevServerOptions extends StartOptions {
  readonly home: string;
  /** One line for people at a time: what is being looked for, built, restarted. */
  readonly log: (text: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts the server of a home, or attaches to it. Throws Fault `dev_server_unavailable`. */
export async function startDevServer(options: DevServerOptions): Promise<SharedServer> {
  const home = resolve(options.home);
  await mkdir(home, { recursive: true });
  const findCli = async (): Promise<string> =>
    (await findTemporalCli({ env: options.env ?? process.env, say: options.log })).path;
  // Outside the lock: a build of the CLI takes minutes and has a lock of its own.
  const early = (await findServer(home)) === undefined ? await findCli() : undefined;
  const enter = async (): Promise<SharedServer> => {
    const user = await ServerUser.enter(home);
    try {
      const parts = { home, options, user, findCli };
      const running = await serverToShare(home, user);
      if (running !== undefined) return new SharedServer(parts, { record: running });
      const executable = early ?? (await findCli());
      const { signal } = new AbortController();
      return new SharedServer(parts, await startServer({ home, executable, options, user, signal }));
    } catch (error) {
      await user.leave();
      throw error;
    }
  };
  return withServerLock(home, enter, {
    onWait: (pid) => options.log(`process ${pid} is starting or ending the dev server of ${home}; waiting for it …`),
  });
}
