/** `test` with a site of its own for each test, and what its processes said when it failed. */
import { test as base, vi } from 'vitest';
import { Site } from './site.ts';

// Real processes on a busy machine; every wait inside has a deadline of its own.
vi.setConfig({ testTimeout: 320_000 });

export const test = base.extend<{ site: Site }>({
  site: async ({ onTestFailed }, use) => {
    const site = await Site.open();
    onTestFailed(() => {
      process.stderr.write(`${site.said()}\n`);
    });
    await use(site);
    await site.close();
  },
});
