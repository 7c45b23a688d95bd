/**
 * The two streams a command writes to. stdout is for data only; messages, log lines and the updating progress lines share stderr without
 * garbling each other. What others wrote is shown without control characters.
 */

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface TerminalOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--color` / `--no-color`; undefined: found out. */
  readonly color?: boolean | undefined;
}

const ESCAPE = '\u001b';
const CLEAR_LINE = `\r${ESCAPE}[2K`;

/** Flag > NO_COLOR (non-empty) > TERM=dumb > whether it is a terminal. */
function wantsColor(options: Pick<TerminalOptions, 'env' | 'color'>, stream: OutputStream): boolean {
  if (options.color !== undefined) return options.color;
  if (options.env.NO_COLOR) return false;
  return stream.isTTY === true && options.env.TERM !== 'dumb';
}

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green';
const STYLES: Record<Style, readonly [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
};
export type Paint = (text: string, style: Style) => string;

const paintIf = (color: boolean): Paint =>
  color ? (text, style) => `${ESCAPE}[${STYLES[style][0]}m${text}${ESCAPE}[${STYLES[style][1]}m` : (text) => text;

export class Terminal {
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  /** The lines that are updated, as they stand on the screen. */
  #progress: readonly string[] = [];
  /** stderr can take an updating line. */
  readonly isInteractive: boolean;
  readonly paintData: Paint;
  readonly paintMessage: Paint;

  constructor(options: TerminalOptions) {
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.isInteractive = options.stderr.isTTY === true && options.env.TERM !== 'dumb';
    this.paintData = paintIf(wantsColor(options, options.stdout));
    this.paintMessage = paintIf(wantsColor(options, options.stderr));
  }

  /** Data for stdout; a newline is added. */
  data(text: string): void {
    this.#around(() => this.#stdout.write(`${text}\n`));
  }

  /** A message for stderr; a newline is added. */
  message(text: string): void {
    this.#around(() => this.#stderr.write(`${text}\n`));
  }

  /** Characters of a line of stderr. */
  get columns(): number {
    return this.#stderr.columns ?? 80;
  }

  /** The same of stdout; of one that is no terminal: what every terminal has. */
  get dataColumns(): number {
    return this.#stdout.columns ?? 80;
  }

  /** stdout is a screen, which can be drawn anew. */
  get isDataInteractive(): boolean {
    return this.#stdout.isTTY === true && this.isInteractive;
  }

  /** Draws the whole screen of stdout anew. */
  screen(text: string): void {
    this.#stdout.write(`${ESCAPE}[H${ESCAPE}[2J${ESCAPE}[3J${text}\n`);
  }

  /** Replaces the updating lines; empty removes them. Nothing happens where stderr is not interactive. */
  progress(text: string | readonly string[]): void {
    if (!this.isInteractive) return;
    const wanted = typeof text === 'string' ? (text === '' ? [] : [text]) : text;
    // A line that wraps cannot be cleared again.
    const lines = wanted.map((line) => [...line].slice(0, this.columns - 1).join(''));
    if (this.#progress.length + lines.length > 0) this.#stderr.write(clearing(this.#progress) + lines.join('\n'));
    this.#progress = lines;
  }

  #around(write: () => void): void {
    const lines = this.#progress;
    if (lines.length > 0) this.#stderr.write(clearing(lines));
    write();
    if (lines.length > 0) this.#stderr.write(lines.join('\n'));
  }
}

/** Takes these lines off the screen; the cursor is at the end of the last one. */
const clearing = (lines: readonly string[]): string =>
  CLEAR_LINE + `${ESCAPE}[1A${ESCAPE}[2K`.repeat(Math.max(0, lines.length - 1));
