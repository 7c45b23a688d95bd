/**
 * The two streams a command writes to. stdout is for data only; messages, log lines and the one updating progress line share stderr without
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
  #progress = '';
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

  /** Replaces the updating line; empty removes it. Nothing happens where stderr is not interactive. */
  progress(text: string): void {
    if (!this.isInteractive) return;
    // A line that wraps cannot be cleared again.
    const line = [...text].slice(0, (this.#stderr.columns ?? 80) - 1).join('');
    this.#stderr.write(this.#progress === '' && line === '' ? '' : CLEAR_LINE + line);
    this.#progress = line;
  }

  #around(write: () => void): void {
    const line = this.#progress;
    if (line !== '') this.#stderr.write(CLEAR_LINE);
    write();
    if (line !== '') this.#stderr.write(line);
  }
}
