/**
 * What a command has at hand: the terminal, and on request the settings and the application, each loaded only then, so that help and
 * usage errors are on the screen at once.
 */
import type { Command } from 'commander';
import type { Logger } from 'pino';
import type { App, CreateApp, RunReceiver } from '../app/app.ts';
import { SeveralFiles } from '../app/app.ts';
import type { Examine } from '../app/doctor/doctor.ts';
import type { FindUser } from '../app/find-user.ts';
import type { Keeping, KeepingContext } from '../app/keeping/keeping.ts';
import type { TryNotifications } from '../app/try-notifications.ts';
import type { LoadInput } from '../config/load.ts';
import type { LogLevel } from '../config/schema.ts';
import type { Settings, TemporalFlags } from '../config/settings.ts';
import type { FlagValues } from '../config/sources.ts';
import { Fault } from '../domain/failure.ts';
import type { Listener } from '../monitoring/listener.ts';
import { Monitoring } from '../monitoring/monitoring.ts';
import type { GlobalOptions } from './options.ts';
import { flagsToRepeat, flagValues } from './options.ts';
import type { StartedProcess } from './several.ts';
import type { OutputStream } from './terminal.ts';
import { Terminal } from './terminal.ts';

/** What is asked at each further Ctrl-C. */
export interface PressedAgain {
  /** Whether the process may end at once; where that has a price, it is said first. */
  mayEnd: () => boolean;
}

/** The process as the commands see it. */
export interface Invocation {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly pressedAgain: PressedAgain;
  readonly nowMs: () => number;
  readonly createApp: CreateApp;
  readonly runReceiver: RunReceiver;
  readonly findUser: FindUser;
  readonly examine: Examine;
  readonly keeping: Keeping;
  readonly tryNotifications: TryNotifications;
  /** Runs `wds` with these arguments in a process of its own, which ends with this one. */
  readonly startProcess: (args: readonly string[]) => StartedProcess;
  /** This is such a process: the one that started it has the word. */
  readonly isStarted: boolean;
  /** Sets the bits that no file or folder gets that is made from now on. */
  readonly umask: (mask: number) => void;
  /** Asks the person at the terminal, and returns the answer; undefined: nobody is there. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
}

export interface AppUse {
  readonly app: App;
  readonly settings: Settings;
}

interface UseOptions {
  /** Commands that end by themselves keep the screen for their result: `warn`. */
  readonly logLevel: LogLevel;
  /** It stays, and has no HTTP API: machines look at it at a listener of its own. */
  readonly listens?: true;
  /** Settings from arguments, beside the flags. */
  readonly settings?: FlagValues;
  /** Called with the settings before the App is made; answers with those that hold, or throws a Fault where they will not do. */
  readonly complete?: (settings: Settings) => Promise<Settings>;
}

export class CommandContext {
  readonly invocation: Invocation;
  terminal: Terminal;
  exitCode = 0;
  #app: App | undefined;
  #saidPrice = false;

  constructor(invocation: Invocation) {
    this.invocation = invocation;
    this.terminal = new Terminal(invocation);
  }

  /** Called before every action, when the global flags are known. */
  begin(command: Command): void {
    const { color } = command.optsWithGlobals() as GlobalOptions;
    this.terminal = new Terminal({ ...this.invocation, color });
  }

  get interruptNotice(): string | undefined {
    return this.#app?.interruptNotice();
  }

  /** At a further Ctrl-C: true, unless that has a price that was not said yet. */
  mayEndAtOnce(): boolean {
    const price = this.#saidPrice ? undefined : this.#app?.priceOfStopping();
    if (price === undefined) return true;
    this.#saidPrice = true;
    this.terminal.message(`${price} Press Ctrl-C once more to stop all the same.`);
    return false;
  }

  /** Loads the settings, makes the App, runs `action`, and closes the App whatever happened. */
  async useApp(command: Command, options: UseOptions, action: (use: AppUse) => Promise<void>): Promise<void> {
    const { invocation, terminal } = this;
    terminal.progress('starting …');
    const loaded = await this.settings(command, options);
    const settings = (await options.complete?.(loaded)) ?? loaded;
    const monitoring = new Monitoring();
    const logger = await this.#logger(settings, monitoring.countEvent);
    const { signal } = invocation;
    const app = await invocation.createApp({ settings, logger, messages: terminal, monitoring, signal });
    this.#app = app;
    const listener = options.listens ? await openMonitoring(monitoring, settings, logger) : undefined;
    try {
      terminal.progress('');
      // Stopped before it had begun: what runs until it is stopped would begin work only to end it.
      if (!(options.listens && signal.aborted)) await action({ app, settings });
    } catch (error) {
      const { explained } = await import('../app/full-disk.ts');
      const told = await explained(error, settings);
      throw told instanceof Fault ? asTyped(told, flagsToRepeat(command), command.name()) : told;
    } finally {
      terminal.progress('');
      await app.close();
      await listener?.close();
    }
  }

  async #logger({ logLevel: level }: Settings, count?: Monitoring['countEvent']): Promise<Logger> {
    const { terminal } = this;
    const { createLogger } = await import('./logging.ts');
    const write = (line: string): void => terminal.message(line);
    const counting = count === undefined ? {} : { count };
    return createLogger({ level, human: terminal.isInteractive, write, paint: terminal.paintMessage, ...counting });
  }

  /** The same for what keeps a home in order, which needs no App. */
  async useHome(command: Command, action: (home: KeepingContext) => Promise<void>): Promise<void> {
    const { invocation, terminal } = this;
    const settings = await this.settings(command, { logLevel: 'warn' });
    const say = (text: string): void => terminal.message(text);
    try {
      await action({ settings, logger: await this.#logger(settings), signal: invocation.signal, say });
    } catch (error) {
      throw error instanceof Fault ? asTyped(error, flagsToRepeat(command), command.name()) : error;
    } finally {
      terminal.progress('');
    }
  }

  /** What the configuration, the environment and the flags say; warnings are told. */
  async settings(command: Command, options: UseOptions): Promise<Settings> {
    const { loadSettings } = await import('../config/load.ts');
    const { settings, warnings } = await loadSettings(this.loadInput(command, options));
    for (const warning of warnings) this.terminal.message(`wds: ${warning}`);
    this.invocation.umask(settings.umask);
    return settings;
  }

  /** Where the settings of a command come from. */
  loadInput(command: Command, options: UseOptions): LoadInput {
    const { cwd, env } = this.invocation;
    const globals = command.optsWithGlobals() as GlobalOptions;
    return {
      cwd,
      env,
      flags: { ...flagValues(command), ...options.settings },
      configFile: globals.config,
      endpoint: globals.endpoint,
      temporal: temporalFlags(globals),
      defaultLogLevel: options.logLevel,
    };
  }
}

/** First of all: whoever looks after the process sees that it lives while it waits for Temporal. */
async function openMonitoring(monitoring: Monitoring, settings: Settings, logger: Logger): Promise<Listener> {
  const { openListener } = await import('../monitoring/listener.ts');
  return openListener(monitoring, { ...settings.monitoring, logger });
}

const NAMES_A_FILE = /\bwds (?:report|retry|resume) [0-9a-f]{8,64}\b/g;

/** The same with next steps that do as they are printed: the flags by which this command has found the file are needed again. */
function asTyped(fault: Fault, flags: string, command: string): Fault {
  if (fault instanceof SeveralFiles) {
    return new Fault(fault.code, fault.message, `Say which, for instance: wds ${command} ${fault.newest}${flags}`);
  }
  const nextStep = fault.nextStep?.replaceAll(NAMES_A_FILE, (step) => step + flags);
  return nextStep === fault.nextStep ? fault : new Fault(fault.code, fault.message, nextStep, { cause: fault.cause });
}

function temporalFlags(globals: GlobalOptions): TemporalFlags {
  const { temporalAddress: address, temporalNamespace: namespace, temporalProfile: profile } = globals;
  return {
    ...(address === undefined ? {} : { address }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(profile === undefined ? {} : { profile }),
  };
}

/** Where no endpoint is configured, the receiver of a `wds up` that runs in the same home is meant. */
export async function findEndpoint(settings: Settings): Promise<Settings> {
  return (await import('../app/bundled-receiver.ts')).withBundledReceiver(settings);
}

/** For commands that need to know which endpoint is meant. */
export async function requireEndpoint(settings: Settings): Promise<Settings> {
  const complete = await requireEndpoints(settings);
  (await import('../app/routes.ts')).meantEndpoint(complete);
  return complete;
}

/** The same for commands that can do without any. */
export async function oneEndpointAtMost(settings: Settings): Promise<Settings> {
  const complete = await findEndpoint(settings);
  return complete.endpoints.length === 0 ? complete : requireEndpoint(complete);
}

/** For commands that cannot do without an endpoint; `wds up` can, with the bundled receiver. */
export async function requireEndpoints(settings: Settings): Promise<Settings> {
  const complete = await findEndpoint(settings);
  if (complete.endpoints.length > 0) return complete;
  throw new Fault(
    'config',
    'no endpoint is configured',
    'Say where the alerts go: --url URL, WDS_URL, or endpoint.url in wds.config.yaml. To try wds out, run wds up: it brings a receiver.',
  );
}
