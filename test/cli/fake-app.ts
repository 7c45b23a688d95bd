/** The command line in this process: streams that remember, and an App that does as the test says. */
import type {
  App,
  AppContext,
  FileEnd,
  FileResult,
  FileStatus,
  ReportedFile,
  StatusReport,
} from '../../src/app/app.ts';
import type { Examine } from '../../src/app/doctor/doctor.ts';
import type { EndpointStatus } from '../../src/app/endpoint-status.ts';
import type { FindUser } from '../../src/app/find-user.ts';
import type { Keeping } from '../../src/app/keeping/keeping.ts';
import type { PruneResult } from '../../src/app/keeping/prune.ts';
import type { FilePreview } from '../../src/app/preview.ts';
import type { TryNotifications } from '../../src/app/try-notifications.ts';
import type { Invocation, PressedAgain } from '../../src/cli/context.ts';
import { run } from '../../src/cli/run.ts';
import type { ReceiverSettings } from '../../src/receiver/receiver-options.ts';
import { makeFolder } from '../config/folder.ts';

export const RESULT: FileResult = {
  file: 'alerts.csv',
  sha256: '3f2a9c1d77b0'.padEnd(64, '0'),
  workflowId: 'file-3f2a-crm',
  rows: 1251,
  alerts: 1250,
  delivered: 1250,
  rejected: 0,
  undelivered: 0,
  unconfirmed: 0,
  suppressed: 0,
  invalid: 0,
  duplicates: 1,
  sentNow: 1250,
  alreadyDelivered: 0,
  seconds: 12.6,
  reportDir: '/var/wds/reports/3f2a',
};

export const ended = (result: Partial<FileResult> = {}): FileEnd => ({
  kind: 'ended',
  result: { ...RESULT, ...result },
});

export const REPORT: ReportedFile = {
  ...RESULT,
  state: 'completed',
  endpoint: 'crm',
  pending: 0,
  readToTheEnd: true,
  reports: ['report.json', 'receipts.csv'],
};

export const ENDPOINT: EndpointStatus = {
  name: 'crm',
  url: 'https://crm.example.com/hook',
  rate: '100/s',
  governor: {
    endpoint: 'crm',
    configured: 100,
    ordered: null,
    ratePerSecond: 99,
    paused: false,
    circuit: 'closed',
    reason: null,
    activeWorkers: 2,
  },
  note: null,
  taskQueueLimit: 8,
};

export const FILE: FileStatus = {
  file: RESULT.file,
  sha256: RESULT.sha256,
  workflowId: RESULT.workflowId,
  state: 'completed',
  endpoint: 'crm',
  startedAt: '2026-01-02T03:04:05.000Z',
  rows: 1251,
  alerts: 1250,
  delivered: 1250,
  rejected: 0,
  undelivered: 0,
  unconfirmed: 0,
  invalid: 0,
  duplicates: 1,
  pending: 0,
  seconds: 12.6,
};

export const STATUS: StatusReport = {
  temporal: { address: '127.0.0.1:7233', namespace: 'default', embedded: true, webUi: 'http://127.0.0.1:8233' },
  home: '/var/wds',
  installation: '3f2a9c1d77b0',
  inbox: '/srv/inbox',
  endpoints: [ENDPOINT],
  files: [FILE],
};

export const PREVIEW: FilePreview = {
  file: 'alerts.csv',
  sha256: RESULT.sha256,
  sizeBytes: 12_345,
  endpoint: 'crm',
  counts: {
    ...{ rows: 1251, alerts: 1250, delivered: 0, rejected: 0, undelivered: 0, unconfirmed: 0 },
    ...{ invalid: 0, duplicates: 1, pending: 1250 },
  },
  found: {
    ...{ format: 'csv', gzip: false, encoding: 'utf-8', separator: ',' },
    columns: { count: 2, userId: 1, alertMessage: 2 },
  },
  refused: null,
  requests: ['POST /hook HTTP/1.1\nhost: crm.example.com\n\n{"userId":"user-1","alertMessage":"hello"}'],
  invalidRows: [],
  suppressedRows: [],
  when: { from: null, late: false, why: null },
  duplicateRows: [{ line: 9, firstLine: 2, userId: 'user-1' }],
  mendedRows: 0,
  seconds: 12.6,
  before: [],
};

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Method names of the App, in the order of the calls. */
  readonly calls: readonly string[];
  readonly receiver: ReceiverSettings | undefined;
  /** What the App was made with. */
  readonly context: AppContext | undefined;
}

const NONE = { files: 0, bytes: 0 };
export const NOTHING_PRUNED: PruneResult = {
  ...{ dryRun: false, bytes: 0, files: [], kept: [] },
  parts: { original: NONE, content: NONE, chunks: NONE, reports: NONE },
};
const NOTHING_TO_KEEP: Keeping = {
  prune: async () => NOTHING_PRUNED,
  forget: async () => ({ erased: false, files: [] }),
  verify: async () => ({ sound: true, files: 0, bytes: 0, chunks: 0, receipts: 0, findings: [] }),
};

export interface Scene {
  readonly app?: Partial<App>;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly isTTY?: boolean;
  readonly signal?: AbortSignal;
  readonly pressedAgain?: PressedAgain;
  readonly findUser?: FindUser;
  readonly examine?: Examine;
  readonly keeping?: Partial<Keeping>;
  readonly ask?: (question: string) => Promise<string>;
  readonly tryNotifications?: TryNotifications;
  readonly startProcess?: Invocation['startProcess'];
  readonly isStarted?: boolean;
  readonly umask?: (mask: number) => void;
  readonly nowMs?: () => number;
}

function recording(app: App, calls: string[]): App {
  return new Proxy(app, {
    get(target, name) {
      const method = Reflect.get(target, name) as unknown;
      if (typeof method !== 'function' || typeof name !== 'string') return method;
      return (...args: unknown[]) => {
        calls.push(name);
        return method.apply(target, args) as unknown;
      };
    },
  });
}

export async function wds(args: readonly string[], scene: Scene = {}): Promise<Outcome> {
  const calls: string[] = [];
  let out = '';
  let err = '';
  let receiver: ReceiverSettings | undefined;
  let context: AppContext | undefined;
  const nothing = async (): Promise<void> => undefined;
  const app: App = {
    up: nothing,
    watch: nothing,
    api: nothing,
    worker: nothing,
    send: async (files, { observer }) => {
      const ends = files.map((file) => ended({ file }));
      for (const end of ends) observer.ended(end);
      return ends;
    },
    retry: async () => [],
    resend: async (_user, file, { observer }) => {
      const end = ended({ file: `resend-1-line-2-${file}.ndjson` });
      observer.ended(end);
      return end;
    },
    preview: async (file) => ({ ...PREVIEW, file }),
    status: async () => STATUS,
    report: async () => REPORT,
    pauseFile: async (_file, paused) => ({ ...FILE, state: paused ? 'paused' : 'running' }),
    approveFile: async () => ({ ...FILE, state: 'running' }),
    cancelFile: async () => ({ ...FILE, state: 'cancelled' }),
    endpoints: async () => [ENDPOINT],
    endpoint: async () => ENDPOINT,
    releaseEndpoint: async (name) => ({ name, installation: '0123456789ab', own: false }),
    init: async () => ({ service: 'temporal:7233', registered: ['WdsRows'], alreadyThere: ['WdsEndpoint'] }),
    interruptNotice: () => 'The delivery goes on without this command.',
    priceOfStopping: () => undefined,
    close: nothing,
    ...scene.app,
  };
  const isTTY = scene.isTTY === true;
  const invocation: Invocation = {
    env: scene.env ?? {},
    cwd: scene.cwd ?? (await makeFolder()),
    stdout: {
      isTTY,
      columns: 100,
      write: (text: string) => {
        out += text;
      },
    },
    stderr: {
      isTTY,
      columns: 100,
      write: (text: string) => {
        err += text;
      },
    },
    signal: scene.signal ?? new AbortController().signal,
    pressedAgain: scene.pressedAgain ?? { mayEnd: () => true },
    nowMs: scene.nowMs ?? (() => 0),
    createApp: async (given) => {
      context = given;
      return recording(app, calls);
    },
    findUser: scene.findUser ?? (async ({ userId }) => ({ userId, alerts: [], more: 0, unsearched: [] })),
    examine: scene.examine ?? (async () => ({ findings: [], settings: [] })),
    tryNotifications: scene.tryNotifications ?? (async () => []),
    keeping: { ...NOTHING_TO_KEEP, ...scene.keeping },
    ask: scene.ask,
    isStarted: scene.isStarted ?? false,
    startProcess:
      scene.startProcess ?? (() => ({ ended: Promise.resolve({ code: 0, signal: null }), stop: () => undefined })),
    umask: scene.umask ?? (() => undefined),
    runReceiver: async (settings, { stdout }) => {
      receiver = settings;
      stdout.write('http://127.0.0.1:8080\n');
    },
  };
  const code = await run(args, invocation);
  return { code, out, err, calls, receiver, context };
}
