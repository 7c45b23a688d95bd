/**
 * Two hosts that have nothing in common but Temporal and a bucket, with the inbox in it, too. The service is versitygw, which keeps a bucket as a
 * folder: what is in it is seen there, past wds. A proxy lies before it, and fails as a plan says.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bucket } from '../src/store/s3/bucket.ts';
import { openBucket } from '../src/store/s3/s3-bucket.ts';
import type { FaultyProxy, WireFault } from '../test/support/faulty-proxy.ts';
import { startFaultyProxy } from '../test/support/faulty-proxy.ts';
import type { Gateway } from '../test/support/versitygw.ts';
import { BUCKET, CREDENTIALS, startGateway } from '../test/support/versitygw.ts';
import type { WdsName } from './plan.ts';
import { hostOf } from './plan.ts';
import type { Premises } from './premises.ts';
import { reportFolder } from './premises.ts';
import { endWithUs } from './spawning.ts';

const STORE = 'wds';
const INBOX = 'inbox';
const OPERATOR = 'operator';

export class BucketPremises implements Premises {
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly disk = undefined;
  readonly #folder: string;
  readonly #gateway: Gateway;
  readonly #proxy: FaultyProxy;
  /** Past the proxy: whoever drops a file is not disturbed. */
  readonly #inbox: Bucket;

  private constructor(folder: string, gateway: Gateway, proxy: FaultyProxy, inbox: Bucket) {
    this.#folder = folder;
    this.#gateway = gateway;
    this.#proxy = proxy;
    this.#inbox = inbox;
    this.configuration = {
      store: `s3://${BUCKET}/${STORE}`,
      inbox: `s3://${BUCKET}/${INBOX}`,
      s3: { endpoint: proxy.endpoint },
    };
  }

  /** The homes of the hosts are made in `folder`. Needs Go where versitygw was not built yet. */
  static async open(folder: string): Promise<BucketPremises> {
    Object.assign(process.env, CREDENTIALS);
    const gateway = await startGateway();
    endWithUs(gateway);
    mkdirSync(join(gateway.folder, INBOX));
    const proxy = await startFaultyProxy(gateway.endpoint);
    const place = { bucket: BUCKET, endpoint: gateway.endpoint, region: 'us-east-1', pathStyle: true };
    return new BucketPremises(folder, gateway, proxy, await openBucket({ ...place, prefix: INBOX }));
  }

  environment(name: WdsName | undefined): Record<string, string> {
    const host = name === undefined ? OPERATOR : `host-${hostOf(name)}`;
    return { ...CREDENTIALS, WDS_HOME: join(this.#folder, host) };
  }

  /** An object is there whole or not at all. */
  async drop(name: string, bytes: Buffer): Promise<void> {
    await this.#inbox.put(name, bytes);
  }

  waiting(): string[] {
    const files = readdirSync(join(this.#gateway.folder, INBOX), { withFileTypes: true });
    return files.filter((entry) => entry.isFile()).map(({ name }) => name);
  }

  reportFile(reportDir: string, name: string): string | undefined {
    const path = join(this.#gateway.folder, reportDir.slice(`s3://${BUCKET}/`.length), name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  failedCsv(sha256: string): string | undefined {
    const folder = reportFolder(join(this.#gateway.folder, STORE, 'reports'), sha256);
    if (folder === undefined) return undefined;
    const numbers = readdirSync(folder).filter((name) => /^\d+$/.test(name));
    const path = join(folder, numbers.sort().at(-1) ?? '', 'failed.csv');
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  /** Evenly spread: every second, every tenth. */
  disturbStore(fault: WireFault | undefined, share: number): void {
    let due = 0;
    this.#proxy.fault = () => {
      due += share;
      if (due < 1) return undefined;
      due -= 1;
      return fault;
    };
  }

  async close(keptIn: string | undefined): Promise<void> {
    await this.#proxy.close();
    if (keptIn !== undefined) cpSync(this.#gateway.folder, keptIn, { recursive: true });
    await this.#gateway.stop();
  }
}
