/** Looking on at all files of an installation that are under way, whoever submitted them, for as long as the caller likes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseFileWorkflowId } from '../domain/names.ts';
import { deliveriesOf } from '../store/delivery-record.ts';
import { queryProgress } from '../temporal/delivery-end.ts';
import { SignsReader } from '../temporal/file-signs.ts';
import type { Installation } from '../temporal/installation.ts';
import type { UnderWayObserver } from './app.ts';
import { FILE_WORKFLOWS, newestRuns } from './file-status.ts';
import { NO_PROGRESS } from './follow.ts';
import { WaitingWatch } from './waiting-watch.ts';

/** A query for each of them at each look; of more nobody can keep an eye on. */
const MOST_FILES = 9;
const QUERY_LIMIT_MS = 2_000;
/** Most files are done by then. */
const YOUNG_MS = 1_000;

interface Followed {
  readonly file: string;
  readonly watch: WaitingWatch;
}

/** Resolves when the signal aborts. A look that fails is none. */
export async function watchUnderWay(
  installation: Installation,
  observer: UnderWayObserver,
  { everyMs, signal }: { readonly everyMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { client } = installation.temporal;
  const followed = new Map<string, Followed>();
  const look = async (): Promise<void> => {
    const running = await newestRuns(installation, `${FILE_WORKFLOWS} AND ExecutionStatus = "Running"`, MOST_FILES);
    const now = Date.now();
    const ids = running.filter(({ startTime }) => now - startTime.getTime() > YOUNG_MS).map((run) => run.workflowId);
    for (const [id, { file }] of followed) {
      if (ids.includes(id)) continue;
      followed.delete(id);
      observer.left(file);
    }
    const signs = new SignsReader(client);
    await Promise.all(
      ids.map(async (id) => {
        const known = followed.get(id) ?? (await begin(id));
        followed.set(id, known);
        const progress = await queryProgress(client.workflow.getHandle(id), QUERY_LIMIT_MS).catch(() => undefined);
        const { file, watch } = known;
        if (signal.aborted || !followed.has(id)) return;
        const told = watch.of(progress, (of) => signs.signsOf(id, of));
        observer.progress({ file, progress: progress ?? NO_PROGRESS, ...told });
      }),
    );
  };
  const begin = async (id: string): Promise<Followed> => {
    const { sha256 = '', endpoint } = parseFileWorkflowId(id) ?? {};
    const records = await deliveriesOf(installation.store, sha256);
    const file = records.find((record) => record.endpoint === endpoint)?.fileName ?? id;
    return { file, watch: new WaitingWatch() };
  };
  while (!signal.aborted) {
    await look().catch(() => undefined);
    await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
