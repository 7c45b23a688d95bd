/**
 * Whether the profile `observe` of docker-compose.yml sees what wds does. Run by containers.sh within a container of wds, beside Prometheus and Grafana:
 *
 *     docker compose exec -T api node --input-type=module - DELIVERED <scripts/check-observe.mjs
 *
 * Every target has to answer, every alert rule to be evaluated, every query of the dashboard that Grafana serves to be executed through Grafana's own
 * data source, and the alerts that were delivered have to be seen. Ends with 1, and says what is wrong, where that does not come to be.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const PROMETHEUS = 'http://prometheus:9090/api/v1';
const GRAFANA = 'http://grafana:3000/api';
const LIMIT_MS = 150_000;
const delivered = Number(process.argv[2]);

async function ask(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

async function targets() {
  const { activeTargets } = (await ask(`${PROMETHEUS}/targets?state=active`)).data;
  const down = activeTargets.filter(({ health }) => health !== 'up');
  if (down.length > 0)
    throw new Error(down.map((one) => `${one.scrapeUrl}: ${one.health} ${one.lastError}`).join('\n'));
  // watch and api, and one of each worker at least.
  if (activeTargets.length < 4) throw new Error(`${activeTargets.length} targets`);
  return `${activeTargets.length} targets are up`;
}

async function rules() {
  const { groups } = (await ask(`${PROMETHEUS}/rules`)).data;
  const all = groups.flatMap((group) => group.rules);
  const failing = all.filter(({ health }) => health !== 'ok');
  if (failing.length > 0)
    throw new Error(failing.map((one) => `${one.name}: ${one.health} ${one.lastError ?? ''}`).join('\n'));
  if (all.length === 0) throw new Error('no rules');
  const firing = all.filter(({ state }) => state === 'firing').map(({ name }) => name);
  return `${all.length} alert rules are evaluated, firing: ${firing.join(', ') || 'none'}`;
}

async function figures() {
  const query = encodeURIComponent('sum(wds_alerts_total{outcome="delivered"})');
  const { result } = (await ask(`${PROMETHEUS}/query?query=${query}`)).data;
  const seen = Number(result[0]?.value[1] ?? 0);
  if (seen !== delivered) throw new Error(`${seen} alerts of ${delivered} are seen to be delivered`);
  return `${seen} alerts are seen to be delivered`;
}

async function dashboard() {
  const { dashboard } = await ask(`${GRAFANA}/dashboards/uid/wds`);
  const source = `${GRAFANA}/datasources/proxy/uid/prometheus/api/v1`;
  for (const { name, query } of dashboard.templating.list.filter(({ type }) => type === 'query')) {
    const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(query.query);
    const { data } = await ask(`${source}/label/${label}/values?match[]=${metric}`);
    // Where there is one installation nobody has to label it.
    if (data.length === 0 && name !== 'installation') throw new Error(`nothing to choose from for ${name}`);
  }
  const exprs = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const empty = [];
  for (const expr of exprs) {
    const query = expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$(installation|endpoint)\b/g, '.*');
    const { data } = await ask(`${source}/query?query=${encodeURIComponent(query)}`);
    if (data.result.length === 0) empty.push(expr);
  }
  if (exprs.length === 0) throw new Error('no queries');
  return `${exprs.length} queries of the dashboard are executed; without any figure:${empty.map((expr) => `\n    ${expr}`).join('')}`;
}

const untilMs = Date.now() + LIMIT_MS;
for (const check of [targets, rules, figures, dashboard]) {
  for (;;) {
    try {
      console.log(`  ${await check()}`);
      break;
    } catch (error) {
      if (Date.now() > untilMs) {
        console.error(`${check.name}: ${error.cause?.message ?? error.message}`);
        process.exit(1);
      }
      await sleep(2_000);
    }
  }
}
