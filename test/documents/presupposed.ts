/** What the documents take for granted: the files that their commands and settings name, by path in the reader's folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './documents.ts';

const pem = (name: string): string => readFileSync(join(ROOT, 'test/e2e/support', name), 'utf8');
export const TOKEN = '0123456789abcdef'.repeat(4);
export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const FILES: Readonly<Record<string, string>> = {
  'alerts.csv': readFileSync(join(ROOT, 'examples/alerts.csv'), 'utf8'),
  'suppressed.txt': 'user-1000\n',
  'crm.secret': SECRET,
  'notify.secret': SECRET,
  'client-secret': 'hush',
  'api-token': TOKEN,
  'internal-ca.pem': pem('loopback-certificate.pem'),
  'wds.pem': pem('loopback-certificate.pem'),
  'wds.key': pem('loopback-key.pem'),
};

const ONE = {
  endpoint: { name: 'crm', url: 'https://crm.example.com/hook' },
  notify: { command: 'true' },
  store: { retainDays: 90 },
};
const SEVERAL = {
  endpoints: { crm: { url: 'https://crm.example.com/hook' }, sms: { url: 'https://sms.example.net/' } },
};

/** Those files, and a configuration for a command of wds with these arguments: none where they say where alerts go. */
export function presupposed(args: readonly string[]): Readonly<Record<string, string>> {
  if (args.includes('--url')) return FILES;
  return { ...FILES, 'wds.config.yaml': JSON.stringify(args.includes('sms') ? SEVERAL : ONE) };
}

/** With a configuration of one's own. */
export const presupposedWith = (config: string): Readonly<Record<string, string>> => ({
  ...FILES,
  'wds.config.yaml': config,
});

/** Variables that settings name. */
export const VARIABLES: Readonly<Record<string, string>> = { SMS_AUTHORIZATION: 'Bearer x' };
