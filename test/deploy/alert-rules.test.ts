/** The alert rules and the dashboard name only what wds shows, and each alert is in the runbook. That they fire is tested by scripts/check-rules.sh. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Exposition } from '../../src/monitoring/exposition.ts';
import { Metrics } from '../../src/monitoring/metrics.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
}
interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const { groups } = parse(readFileSync('deploy/prometheus/wds.rules.yml', 'utf8')) as {
  groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const { panels } = JSON.parse(readFileSync('deploy/grafana/wds.json', 'utf8')) as { panels: readonly Panel[] };
const runbook = readFileSync('docs/operations.md', 'utf8');

/** As the sources declare them. */
const own = new Set(
  readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => [...readFileSync(join('src', path), 'utf8').matchAll(/'(wds_[a-z_]+)'/g)])
    .map(([, name = '']) => name),
);
const namesIn = (expr: string): string[] =>
  [...expr.replaceAll(/"[^"]*"/g, '').matchAll(/\b((?:wds|nodejs|process|temporal)_[a-z0-9_]+|up)\b/g)].map(
    ([, name = '']) => name,
  );
const isOwn = (name: string): boolean => own.has(name) || own.has(name.replace(/_(bucket|sum|count)$/, ''));

describe('the alert rules', () => {
  test('have each an entry in the runbook under their name, a summary and what it means', () => {
    expect(rules.length).toBeGreaterThan(15);
    const headings = [...runbook.matchAll(/^### (Wds\w+)$/gm)].map(([, name = '']) => name);
    expect(rules.map(({ alert }) => alert).sort()).toEqual(headings.sort());
    for (const { alert, annotations, labels } of rules) {
      expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
      expect(annotations.summary.length).toBeGreaterThan(10);
      expect(annotations.description.length).toBeGreaterThan(10);
      expect(['critical', 'warning']).toContain(labels.severity);
    }
  });

  test('are each tested by promtool', () => {
    const tests = readFileSync('deploy/prometheus/wds.rules.test.yml', 'utf8');
    expect(rules.filter(({ alert }) => !tests.includes(`alertname="${alert}"`)).map(({ alert }) => alert)).toEqual([]);
  });
});

describe('the rules and the dashboard', () => {
  const queries = [
    ...rules.map(({ alert, expr }) => ({ of: alert, expr })),
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ of: title, expr }))),
  ];

  test('ask for nothing that no process shows', async () => {
    const text = await new Exposition(new Metrics()).text(undefined);
    const ofProcess = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name));
    const isThere = (name: string): boolean =>
      name === 'up' || name.startsWith('temporal_') || ofProcess.has(name) || isOwn(name);
    const missing = queries.flatMap(({ of, expr }) =>
      namesIn(expr)
        .filter((name) => !isThere(name))
        .map((name) => `${of}: ${name}`),
    );
    expect(missing).toEqual([]);
    expect(queries.filter(({ expr }) => namesIn(expr).length === 0)).toEqual([]);
  });

  test('leave nothing out that wds shows', () => {
    const asked = new Set(
      queries.flatMap(({ expr }) => namesIn(expr)).map((name) => name.replace(/_(bucket|sum|count)$/, '')),
    );
    const unasked = [...own].filter((name) => !asked.has(name)).sort();
    // What an API has taken is seen in its files.
    expect(unasked).toEqual([
      'wds_api_posted_alerts_total',
      'wds_api_posts_total',
      'wds_api_upload_bytes_total',
      'wds_api_uploads_total',
    ]);
  });
});
