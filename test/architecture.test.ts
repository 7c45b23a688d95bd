/** The house rules that a reader relies on and a compiler does not check (the layout is in docs/architecture.md). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';

const MOST_LINES = 265;

/** Who may import whom, besides itself; each name is a folder of src/ or of the top. Arrows point one way. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  formats: ['domain'],
  store: ['domain'],
  endpoint: ['domain'],
  config: ['domain'],
  activities: ['domain', 'formats', 'store', 'endpoint'],
  workflows: ['domain'],
  'dev-server': ['domain'],
  monitoring: [],
  notify: ['domain', 'endpoint', 'config'],
  temporal: ['domain', 'store', 'endpoint', 'activities', 'config', 'notify', 'dev-server', 'monitoring'],
  intake: ['domain', 'formats', 'store', 'config'],
  receiver: ['domain'],
  posts: ['domain', 'formats', 'store', 'intake'],
  app: [
    'domain',
    'formats',
    'store',
    'endpoint',
    'config',
    'temporal',
    'intake',
    'notify',
    'posts',
    'receiver',
    'monitoring',
  ],
  api: ['domain', 'config', 'intake', 'posts', 'app', 'monitoring'],
  cli: ['domain', 'config', 'app', 'api', 'receiver', 'monitoring'],
  client: [],
};
/** What may run inside a workflow; `common` holds the keys of search attributes. */
const WORKFLOW_LIBRARIES = ['@temporalio/workflow', '@temporalio/common'];
/** Files directly in src/ serve everything that does I/O. */
const BELOW_ALL = 'src';

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
  /** A name inside the braces is marked `type`. */
  readonly marked: boolean;
}

const sources = ['src', 'workflows', 'activities'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
);
const textOf = new Map(sources.map((path) => [path, readFileSync(path, 'utf8')]));
const imports = sources.flatMap(importsOf);

function importsOf(path: string): Import[] {
  const text = withoutComments(textOf.get(path) ?? '');
  const statements = /^(?:import|export)\s+(type\s+)?((?:[\w$*\s,]|\{[^}]*\})*?)\s*from\s+'([^']+)'/gm;
  const found: Import[] = [];
  for (const [, type, names = '', to = ''] of text.matchAll(statements)) {
    found.push({ from: path, to, typeOnly: type !== undefined, marked: /[{,]\s*type\s/.test(names) });
  }
  for (const [, to = ''] of text.matchAll(/^import\s+'([^']+)'/gm)) {
    found.push({ from: path, to, typeOnly: false, marked: false });
  }
  for (const [, to] of text.matchAll(/\bimport\('([^']+)'\)/g)) {
    found.push({ from: path, to: to ?? '', typeOnly: false, marked: false });
  }
  return found;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** `src/formats/csv.ts` → formats; `activities/send-alerts.ts` → activities; `src/failpoint.ts` → src. */
function partOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  if (top !== 'src') return top;
  return second.endsWith('.ts') ? BELOW_ALL : second;
}

const isOwn = ({ to }: Import) => to.startsWith('.');
const show = ({ from, to }: Import) => `${from} imports ${to}`;
const within = (part: string) => imports.filter(({ from }) => partOf(from) === part);

describe('the imports', () => {
  it('point one way', () => {
    const against = imports.filter(isOwn).filter((one) => {
      const from = partOf(one.from);
      const to = partOf(normalize(join(dirname(one.from), one.to)));
      if (from === to) return false;
      if (from === BELOW_ALL) return to !== 'domain';
      if (to === BELOW_ALL) return from === 'domain' || from === 'workflows';
      return !(ARROWS[from] ?? []).includes(to);
    });
    expect(against.map(show)).toEqual([]);
  });

  it('are all that is allowed: an arrow that nobody takes is taken away', () => {
    const taken = new Set(
      imports.filter(isOwn).map(({ from, to }) => `${partOf(from)} → ${partOf(normalize(join(dirname(from), to)))}`),
    );
    const allowed = Object.entries(ARROWS).flatMap(([from, tos]) => tos.map((to) => `${from} → ${to}`));
    expect(allowed.filter((arrow) => !taken.has(arrow))).toEqual([]);
  });

  it('never lead back to where they came from, not within a folder either', () => {
    expect(circles()).toEqual([]);
  });

  it('know every folder', () => {
    expect(imports.filter(isOwn).length).toBeGreaterThan(sources.length / 2);
    const parts = [...new Set(sources.map(partOf))].filter((part) => part !== BELOW_ALL);
    expect(parts.filter((part) => ARROWS[part] === undefined)).toEqual([]);
  });

  it('of types are whole statements: a marked name would pull an activity into the workflow bundle', () => {
    expect(imports.filter(({ marked }) => marked).map(show)).toEqual([]);
  });
});

describe('the way of an alert to the wire', () => {
  const filesWith = (pattern: RegExp) =>
    sources.filter((path) => pattern.test(withoutComments(textOf.get(path) ?? '')));

  it('leads through one function of one file, which asks the one that may say yes', () => {
    expect(filesWith(/\bsession\.send\(/)).toEqual(['activities/batch.ts']);
    expect(filesWith(/\bclient\.exchange\(/)).toEqual(['src/endpoint/endpoint-session.ts']);
    expect(filesWith(/\bmayBegin\(/).sort()).toEqual(['activities/batch.ts', 'src/domain/ledger/fence.ts']);
    expect(filesWith(/\bnew Batch\(/)).toEqual(['activities/send-activity.ts']);
  });

  it('is judged in one place: what an answer means, what it says of the endpoint, when that is ill, how long to wait', () => {
    expect(
      filesWith(/[^.]\bjudge\(\w+, this/)
        .concat(filesWith(/function judge\(answer/))
        .sort(),
    ).toEqual(['src/domain/answers.ts', 'src/endpoint/endpoint-session.ts']);
    expect(filesWith(/\bsignOf\(/).sort()).toEqual(['src/domain/answers.ts', 'src/endpoint/endpoint-session.ts']);
    expect(filesWith(/\b\w+_RUN = \d/)).toEqual(['src/domain/illness.ts']);
    expect(filesWith(/\bWAITS = /)).toEqual(['src/domain/waits.ts']);
  });
});

describe('the domain', () => {
  it('has at most 20 files at its top: what grows gets a folder', () => {
    expect(sources.filter((path) => dirname(path) === 'src/domain').length).toBeLessThanOrEqual(20);
  });

  it('imports nothing but itself', () => {
    expect(
      within('domain')
        .filter((one) => !isOwn(one))
        .map(show),
    ).toEqual([]);
  });

  it('has neither a clock nor chance nor the environment of its own', () => {
    const impure = /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|process\.|setTimeout|setInterval|fetch\()/;
    const found = sources.filter(
      (path) => partOf(path) === 'domain' && impure.test(withoutComments(textOf.get(path) ?? '')),
    );
    expect(found).toEqual([]);
  });
});

/** Files that reach themselves by imports, as strongly connected parts of more than one file (Tarjan). Types count: they are read in a circle, too. */
function circles(): string[][] {
  const after = new Map(sources.map((path) => [path, [] as string[]]));
  for (const one of imports.filter(isOwn)) after.get(one.from)?.push(normalize(join(dirname(one.from), one.to)));
  const found: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const visit = (path: string): number => {
    order.set(path, order.size);
    lowest.set(path, order.size - 1);
    open.push(path);
    for (const next of after.get(path) ?? []) {
      if (!order.has(next)) lowest.set(path, Math.min(lowest.get(path)!, visit(next)));
      else if (open.includes(next)) lowest.set(path, Math.min(lowest.get(path)!, order.get(next)!));
    }
    if (lowest.get(path) === order.get(path)) {
      const part = open.splice(open.indexOf(path));
      if (part.length > 1) found.push(part.sort());
    }
    return lowest.get(path)!;
  };
  for (const path of sources) if (!order.has(path)) visit(path);
  return found;
}

describe('the command line', () => {
  it('knows nothing of Temporal', () => {
    expect(
      within('cli')
        .filter(({ to }) => to.startsWith('@temporalio/'))
        .map(show),
    ).toEqual([]);
  });
});

describe('the workflows', () => {
  it('import the workflow SDK besides the domain', () => {
    const wrong = within('workflows').filter(
      (one) => !isOwn(one) && !WORKFLOW_LIBRARIES.includes(one.to) && !one.typeOnly,
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('keep no state at module level', () => {
    const stateful = sources.filter(
      (path) =>
        partOf(path) === 'workflows' && /^(export\s+)?(let|var)\s/m.test(withoutComments(textOf.get(path) ?? '')),
    );
    expect(stateful).toEqual([]);
  });

  it.skipIf(!existsSync('dist/workflows/index.js'))('bundle, as emitted, without a Node built-in', async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(process.cwd(), 'dist/workflows/index.js'),
      logger: new DefaultLogger('ERROR'),
    });
    // The bundler throws at a Node built-in. Webpack names every module that went in: `"./dist/workflows/index.js"`.
    const modules = [...code.matchAll(/^\/\*\*\*\/ "([^"]+)":?/gm)].map(([, name]) => name ?? '');
    expect(modules.some((name) => name.includes('dist/workflows/'))).toBe(true);
    const own = modules.filter((name) => name.startsWith('./dist/'));
    expect(own.filter((name) => !/^\.\/dist\/(workflows|src\/domain)\//.test(name))).toEqual([]);
  });
});

describe('the activities', () => {
  it('say in one place what becomes of what stops them', () => {
    const makers = sources.filter(
      (path) => partOf(path) === 'activities' && /ApplicationFailure\.\w+\(/.test(textOf.get(path) ?? ''),
    );
    expect(makers).toEqual(['activities/failures.ts']);
  });
});

describe('a file', () => {
  it(`has at most ${MOST_LINES} lines`, () => {
    const long = sources
      .map((path) => ({ path, lines: (textOf.get(path) ?? '').split('\n').length - 1 }))
      .filter(({ lines }) => lines > MOST_LINES);
    expect(long).toEqual([]);
  });

  it('says at its head what it promises', () => {
    expect(sources.filter((path) => !/^(#!.*\n)?\/\*\*/.test(textOf.get(path) ?? ''))).toEqual([]);
  });
});
