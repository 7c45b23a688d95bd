/** By what is seen from outside whether files have changed: a mounted secret is replaced by turning a link, so what it leads to is looked at. */
import { stat } from 'node:fs/promises';

/** Rejects where one of them is not there. */
export async function signsOf(paths: readonly string[]): Promise<string> {
  const stats = await Promise.all(paths.map((path) => stat(path)));
  return JSON.stringify(stats.map(({ ino, size, mtimeMs, ctimeMs }) => [ino, size, mtimeMs, ctimeMs]));
}

const LOOK_MS = 5_000;

export interface ChangeOptions {
  /** Called when they have changed. */
  readonly onChange: () => Promise<void>;
  /** With what it has rejected with. */
  readonly onTrouble: (error: unknown) => void;
  readonly everyMs?: number | undefined;
}

/** Until what is returned is called. A file that is not there just now has not changed: it is being replaced. */
export function watchFiles(paths: readonly string[], options: ChangeOptions): () => void {
  const { onChange, onTrouble, everyMs = LOOK_MS } = options;
  let seen: string | undefined;
  let timer: NodeJS.Timeout;
  let isStopped = false;
  const look = async (): Promise<void> => {
    const now = await signsOf(paths).catch(() => undefined);
    const before = seen;
    seen = now ?? before;
    if (before !== undefined && seen !== before) await onChange().catch(onTrouble);
    if (!isStopped) timer = setTimeout(look, everyMs).unref();
  };
  void look();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
