/** Reading a file, window after window, and again where its chunks were deleted. */
import type { FileWorkflowInput, ReadActivities, WindowResult } from '../src/domain/contracts.ts';
import { sameLayout } from '../src/domain/file-plan.ts';
import { WINDOW_ROWS } from '../src/domain/parse-options.ts';
import { byFilesWorker, fileWork } from './activity-options.ts';
import { otherContent } from './file-end.ts';

/** All windows, one after another; nothing is sent before the last one, so that a fault at the end refuses the whole file. */
export async function readFile(input: FileWorkflowInput, windows: WindowResult[], show: () => void): Promise<void> {
  for (let window = 1; ; window++) {
    show();
    const result = await readWindow(input, window, windows.at(-1), `window ${window}`);
    windows.push(result);
    if (result.next === null) return;
  }
}

function readWindow(
  input: FileWorkflowInput,
  window: number,
  previous: WindowResult | undefined,
  summary: string,
): Promise<WindowResult> {
  const { parse, endpoint } = input;
  const of = { ...fileWork(input), endpoint, parse, window, cursor: previous?.next ?? null };
  return byFilesWorker(input, summary, ({ readChunks }: ReadActivities) =>
    readChunks({ ...of, windowRows: WINDOW_ROWS }),
  );
}

/** Chunks were deleted while the file is under way: they are read again, and must be what they were. */
export async function restore(input: FileWorkflowInput, windows: readonly WindowResult[]): Promise<void> {
  for (const [at, before] of windows.entries()) {
    const again = await readWindow(input, before.window, windows[at - 1], `window ${before.window} again`);
    if (!sameLayout(before, again)) throw otherContent(before);
  }
}
