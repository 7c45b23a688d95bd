/**
 * A watcher in a process of its own, for the tests that kill it. Arguments: inbox, store folder, file to which each submission is appended as
 * a JSON line. Ends at SIGTERM.
 */
import { appendFileSync } from 'node:fs';
import { watchInbox } from '../../src/intake/watcher.ts';
import { FolderStore } from '../../src/store/folder-store.ts';

const [inbox = '', storeFolder = '', submissions = ''] = process.argv.slice(2);
const say = (fields: object, message: string): void => {
  process.stderr.write(`${JSON.stringify({ ...fields, message })}\n`);
};
const watcher = watchInbox(
  {
    inbox,
    store: new FolderStore(storeFolder),
    maxExpandedBytes: 1 << 30,
    log: { debug: say, info: say, warn: say, error: say },
    settle: { seenMs: 100, unseenMs: 1_000 },
    writersAreLocal: true,
    scanIntervalMs: 300,
  },
  [
    {
      submit: async ({ staged, fileName, priority }) => {
        appendFileSync(submissions, `${JSON.stringify({ sha256: staged.sha256, fileName, priority })}\n`);
        return 'started';
      },
    },
  ],
);
await watcher.ready;
process.stdout.write('ready\n');
process.once('SIGTERM', () => void watcher.close());
