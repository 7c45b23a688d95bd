/**
 * Where the Temporal CLI comes from, whose dev server wds runs when no Temporal service is configured. The first of these that
 * answers `temporal --version` is taken: the PATH, wds's own cache, the SDK's download, a build from source. `WDS_TEMPORAL_CLI`
 * names one and ends the search. What each place answered is in the error when none has it.
 */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Fault } from '../domain/failure.ts';
import { buildTemporalCli } from './temporal-cli-build.ts';
import { downloadTemporalCli } from './temporal-cli-download.ts';

/** Newer versions need a nested module that the Go module proxy does not serve. */
const TEMPORAL_CLI_VERSION = '1.5.1';

/** The first server with task-queue rate limits that can be changed while running. */
const MINIMUM_SERVER = { major: 1, minor: 29 };

const NEXT_STEP =
  'Install the Temporal CLI (https://docs.temporal.io/cli), or Go 1.25 or newer (https://go.dev/dl) to have it built once, ' +
  'or set TEMPORAL_ADDRESS to a Temporal service that runs already. WDS_TEMPORAL_CLI=/path/to/temporal names a CLI anywhere.';

export interface TemporalCli {
  readonly path: string;
  /** First line of `temporal --version`. */
  readonly version: string;
  /** The place it was found in, for people. */
  readonly source: string;
}

/** One place to look. `find` gives a path, or throws an Error whose message says why there is none. */
export interface CliPlace {
  readonly name: string;
  find(): Promise<string>;
}

export interface FindTemporalCliOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Progress for people: a download or a build takes a while. */
  readonly say: (text: string) => void;
  /** Replaces the standard places. */
  readonly places?: readonly CliPlace[];
}

/** Throws Fault `dev_server_unavailable`, which lists what was tried. */
export async function findTemporalCli(options: FindTemporalCliOptions): Promise<TemporalCli> {
  const env = options.env ?? process.env;
  const named = env.WDS_TEMPORAL_CLI;
  const places = named
    ? [{ name: 'WDS_TEMPORAL_CLI', find: async () => named }]
    : (options.places ?? standardPlaces(env, options.say));
  const tried: string[] = [];
  for (const place of places) {
    try {
      const path = await place.find();
      return { path, version: await checkTemporalCli(path), source: place.name };
    } catch (error) {
      tried.push(`${place.name}: ${(error as Error).message}`);
    }
  }
  const message = `No Temporal CLI, so no dev server can be started. Tried:\n${tried.map((line) => `  - ${line}`).join('\n')}`;
  throw new Fault('dev_server_unavailable', message, NEXT_STEP);
}

/** Outside the checkout, so that it outlives a fresh clone: `$XDG_CACHE_HOME/wds` or `~/.cache/wds`. */
function cacheFolder(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'wds');
}

/** What costs nothing comes first; the build takes minutes, once, and works without the SDK's download service. */
function standardPlaces(env: NodeJS.ProcessEnv, say: (text: string) => void): CliPlace[] {
  const cache = cacheFolder(env);
  const cached = join(cache, `temporal-cli-${TEMPORAL_CLI_VERSION}`, executable('temporal'));
  const downloads = join(cache, 'temporal-cli-downloaded');
  return [
    { name: 'PATH', find: () => onPath(env.PATH ?? '') },
    { name: `cache (${cached})`, find: () => existing(cached) },
    { name: 'download', find: () => downloadTemporalCli({ folder: downloads, say }) },
    {
      name: 'build from source',
      find: () => buildTemporalCli({ version: TEMPORAL_CLI_VERSION, path: cached, env, say }),
    },
  ];
}

/** First line of `temporal --version`; throws when it does not run, is something else, or is too old. */
async function checkTemporalCli(path: string): Promise<string> {
  let version: string;
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 20_000 });
    version = stdout.split('\n')[0]?.trim() ?? '';
  } catch (error) {
    throw new Error(`${path} does not run (${(error as Error).message.split('\n')[0]})`);
  }
  const server = /^temporal version .*\bServer (\d+)\.(\d+)/.exec(version);
  if (server === null) throw new Error(`${path} is not the Temporal CLI (it says "${version.slice(0, 80)}")`);
  const [major, minor] = [Number(server[1]), Number(server[2])];
  if (major < MINIMUM_SERVER.major || (major === MINIMUM_SERVER.major && minor < MINIMUM_SERVER.minor)) {
    throw new Error(
      `${path} is too old (${version}); server ${MINIMUM_SERVER.major}.${MINIMUM_SERVER.minor} is needed`,
    );
  }
  return version;
}

async function onPath(path: string): Promise<string> {
  for (const folder of path.split(delimiter).filter((entry) => entry !== '')) {
    const candidate = join(folder, executable('temporal'));
    if (await isExecutable(candidate)) return candidate;
  }
  throw new Error('no `temporal` there');
}

async function existing(path: string): Promise<string> {
  if (await isExecutable(path)) return path;
  throw new Error('not there');
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function executable(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name;
}
