/**
 * docs/files-page.png, the picture in the README: the page of files as it is, of a `wds up` in a temporary folder, taken by headless Chromium
 * (`chromium` on the PATH, or CHROMIUM). Run it when the page changes: node scripts/picture.mjs
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PICTURE = fileURLToPath(new URL('../docs/files-page.png', import.meta.url));
const WDS = fileURLToPath(new URL('../bin/wds.mjs', import.meta.url));
const MOST_BYTES = 100_000;
const SIZE = '820,848';

const csv = (prefix, count, message) =>
  `userId,alertMessage\n${Array.from({ length: count }, (_, at) => `${prefix}-${at + 1},${message}\n`).join('')}`;

const folder = mkdtempSync(join(tmpdir(), 'wds-picture-'));
mkdirSync(join(folder, 'inbox'));
let said = '';
const up = spawn(process.execPath, [WDS, 'up', '--api-port', '0'], {
  cwd: folder,
  stdio: ['ignore', 'ignore', 'pipe'],
});
up.stderr.on('data', (text) => {
  said += text;
});
try {
  const api = await until('wds up shows its address', () => /^API +(http:\S+)[\s\S]*^Next /m.exec(said)?.[1]);
  const files = async () => (await (await fetch(`${api}/files`)).json()).files;
  const is = (name, check) => async () => (await files()).some((one) => one.file === name && check(one));
  writeFileSync(join(folder, 'inbox/invoices.csv'), `${csv('customer', 180, 'Your invoice is due.')},nobody\n`);
  await until(
    'invoices.csv is delivered',
    is('invoices.csv', ({ state }) => state === 'completed'),
  );
  const body = csv('member', 400, 'The meeting is tomorrow.');
  await fetch(`${api}/upload?name=reminders.csv&first=20`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/csv' },
  });
  await until(
    'reminders.csv waits',
    is('reminders.csv', ({ waiting }) => waiting?.why === 'decision'),
  );
  writeFileSync(join(folder, 'inbox/customers.csv'), csv('user', 4_000, 'Your order has left our warehouse.'));
  await until(
    'customers.csv is under way',
    is('customers.csv', ({ delivered }) => delivered > 900),
  );
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', `--window-size=${SIZE}`];
  const taken = spawnSync(process.env.CHROMIUM ?? 'chromium', [...flags, `--screenshot=${PICTURE}`, api], {
    stdio: 'ignore',
  });
  if (taken.status !== 0) throw new Error('Chromium has taken no picture: is it there?');
  const { size } = statSync(PICTURE);
  if (size > MOST_BYTES) throw new Error(`the picture has ${size} bytes; ${MOST_BYTES} at most`);
  process.stderr.write(`${PICTURE}: ${size} bytes\n`);
} finally {
  up.kill('SIGINT');
  await new Promise((resolve) => up.once('close', resolve));
  rmSync(folder, { recursive: true, force: true });
}

async function until(what, look) {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(200)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`not within two minutes: ${what}\n${said}`);
}
