/**
 * Bundles the emitted workflows into dist/workflow-bundle.js, and into another bundle for versioned workers, so that workers start without webpack. Done
 * over only when the emitted code or the SDK changed: a prebuilt bundle must come from the very SDK version that runs it. A process of
 * its own, because webpack would leave some 100 MB behind in a worker. A bundle appears whole (rename) or not at all.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUNDLES, DIST, filesBelow, ROOT } from './checkout.mjs';

const MARK = join(DIST, '.bundled-from');

const inputs = createHash('sha256');
inputs.update(readFileSync(join(ROOT, 'node_modules/@temporalio/worker/package.json')));
inputs.update(readFileSync(fileURLToPath(import.meta.url)));
for (const folder of ['workflows', 'src/domain']) {
  for (const path of filesBelow(join(DIST, folder)).filter((file) => file.endsWith('.js'))) {
    inputs.update(readFileSync(path));
  }
}
const digest = inputs.digest('hex');

if (
  !Object.values(BUNDLES).every((bundle) => existsSync(bundle)) ||
  !existsSync(MARK) ||
  readFileSync(MARK, 'utf8') !== digest
) {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  for (const [entry, bundle] of Object.entries(BUNDLES)) {
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(DIST, 'workflows', entry),
      // Evaluated once for all workflows of a worker, and not for each: they keep no state at module level.
      preloadModules: ['sandbox.js', entry].map((name) => join(DIST, 'workflows', name)),
      logger: new DefaultLogger('WARN'),
    });
    const temporary = `${bundle}.${process.pid}`;
    writeFileSync(temporary, code);
    renameSync(temporary, bundle);
  }
  writeFileSync(MARK, digest);
}
