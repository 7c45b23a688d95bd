/** Faults that a person must read: a stable code, what happened, and the next step. The CLI maps codes to exit codes. */

export const FAULT_EXIT_CODES = {
  unexpected: 1,
  usage: 2,
  config: 2,
  not_found: 5,
  file_refused: 65,
  unsupported_file: 65,
  temporal_unreachable: 69,
  dev_server_unavailable: 69,
  deadline: 75,
  store: 1,
} as const;
export type FaultCode = keyof typeof FAULT_EXIT_CODES;

/** Thrown when something outside is wrong and a person can mend it. `message` says what and where; `nextStep` what to do. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly nextStep: string | undefined;

  constructor(code: FaultCode, message: string, nextStep?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Fault';
    this.code = code;
    this.nextStep = nextStep;
  }
}

/** Nobody can say who is on a suppression list: nothing is sent until that is known. */
export class SuppressionListFault extends Fault {
  constructor(path: string, what: string, nextStep: string, options?: ErrorOptions) {
    super('config', `the suppression list ${path} ${what}`, nextStep, options);
    this.name = 'SuppressionListFault';
  }
}

/**
 * Thrown by readers when a file cannot be trusted as a whole (unclosed quote, no header, UTF-16, cut-off gzip member …).
 * Nothing of such a file is sent. `code` is stable; `line` is where the fault begins, where that is known.
 */
export class FileRefusal extends Error {
  readonly code: string;
  readonly line: number | undefined;
  /** `message` without any text from the file: what may go into Temporal's history. */
  readonly publicMessage: string;

  constructor(code: string, message: string, line?: number, publicMessage = message) {
    super(message);
    this.name = 'FileRefusal';
    this.code = code;
    this.line = line;
    this.publicMessage = publicMessage;
  }
}
