import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Exposition } from '../../src/monitoring/exposition.ts';
import { Metrics } from '../../src/monitoring/metrics.ts';
import { FileLog } from '../../src/temporal/file-log.ts';

test('the first file of an endpoint is an increase to Prometheus: it is counted from zero', async () => {
  const metrics = new Metrics();
  const log = new FileLog(pino({ level: 'silent' }), new Set(), metrics, ['crm']);
  const figures = async (): Promise<string[]> =>
    (await new Exposition(metrics).text(undefined)).split('\n').filter((line) => /^wds_(files|rows)/.test(line));
  expect(await figures()).toEqual([
    'wds_files_ended_total{endpoint="crm",result="delivered"} 0',
    'wds_files_ended_total{endpoint="crm",result="incomplete"} 0',
    'wds_files_ended_total{endpoint="crm",result="refused"} 0',
    'wds_rows_unsent_total{endpoint="crm",why="invalid"} 0',
    'wds_rows_unsent_total{endpoint="crm",why="duplicate"} 0',
  ]);
  log.refused({ file: 'a.csv', sha256: 'a'.repeat(64), endpoint: 'crm', line: 1, reason: 'no header' });
  expect(await figures()).toContain('wds_files_ended_total{endpoint="crm",result="refused"} 1');
});
