import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { routesOf } from '../../src/app/routes.ts';
import type { ServedApp } from '../../src/app/served.ts';
import { openOver } from '../../src/app/served-app.ts';
import { loadSettings } from '../../src/config/load.ts';
import { Monitoring } from '../../src/monitoring/monitoring.ts';
import { makeFolder } from '../config/folder.ts';

const CONFIG = {
  inboxes: { 'inbox/crm': 'crm', 'inbox/erp': 'erp' },
  endpoints: {
    crm: { url: 'http://127.0.0.1:9/crm', body: { to: '{{userId}}', plan: '{{column "plan"}}' } },
    erp: { url: 'http://127.0.0.1:9/erp' },
  },
};

test('a preview is read for the endpoint of its inbox, with the columns that its body needs', async () => {
  const cwd = await makeFolder({ 'wds.config.yaml': JSON.stringify(CONFIG) });
  const { settings } = await loadSettings({ cwd, env: {} });
  const context = { settings, logger: undefined, monitoring: new Monitoring() };
  const parts = { context, installation: {}, routes: routesOf(settings) };
  let app: ServedApp | undefined;
  const door = await openOver(
    parts as never,
    async (served) => {
      app = served;
      return { address: '', close: () => Promise.resolve() };
    },
    { portMayDiffer: true },
  );
  try {
    const preview = async (name: string, text: string, endpoint: string) => {
      await writeFile(join(cwd, name), text);
      return app!.preview(join(cwd, name), name, [endpoint]);
    };
    const whole = 'userId,alertMessage,plan\nann,hi,gold\n';
    const { requests } = await preview('a.csv', whole, 'crm');
    expect(requests[0]).toContain('"plan":"gold"');
    const without = 'userId,alertMessage\nann,hi\n';
    expect((await preview('b.csv', without, 'crm')).refused).toMatchObject({ code: 'csv_header' });
    expect((await preview('b.csv', without, 'erp')).refused).toBeNull();
  } finally {
    await door.close();
  }
});
