/** What the intake says: one structured line per event, always with the same fields. A pino logger fits. */
import { printableName } from './inbox-names.ts';

export interface IntakeFields {
  readonly event: string;
  /** Absent for events of the watcher itself. */
  readonly file?: string;
  readonly sha256?: string;
  readonly sizeBytes?: number;
  readonly endpoint?: string;
  readonly reason?: string;
}

type Write = (fields: IntakeFields, message: string) => void;
export interface IntakeLogger {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

export type Level = keyof IntakeLogger;
export type Say = (level: Level, message: string, fields: IntakeFields) => void;

/** Binds the endpoint's name and keeps control characters of file names and of system errors out of the log. */
export function speaker(log: IntakeLogger, endpoint: string | undefined): Say {
  return (level, message, { file, reason, ...fields }) =>
    log[level](
      {
        ...fields,
        ...(file === undefined ? {} : { file: printableName(file) }),
        ...(endpoint === undefined ? {} : { endpoint }),
        ...(reason === undefined ? {} : { reason: printableName(reason) }),
      },
      message,
    );
}
