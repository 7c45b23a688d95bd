/**
 * The port to the receipts: what sending asks of the place that remembers who was alerted. One call a wave, so that it fits a folder (append,
 * then look) and an object store (one conditional write) alike.
 */
import type { AnswerFigures } from '../domain/ledger/answer-figures.ts';
import type { ResultKind, Scope } from '../domain/ledger/journal.ts';
import type { RowStates } from '../domain/ledger/row-state.ts';
import type { WaveForm } from '../domain/ledger/waves.ts';
import type { ChunkOf } from './layout.ts';

/** Who wants to write, and what for. */
export interface Attempt {
  /** The newest round, or the attempt is told that it is stale. */
  readonly round: number;
  readonly scope: Scope;
  /** The parse options that its line numbers belong to. */
  readonly parseKey: string;
  /** `hold`: each announcement survives a power loss before anything of it is sent. */
  readonly durable: boolean;
}

/**
 * When the look was begun that found the rows still to be this attempt's, by the monotonic clock; undefined: they are not, or that could not be
 * made out.
 */
export type Confirmed = number | undefined;

/** One attempt's own place in the receipts of a chunk. Every method throws Fault('store') where the store fails. */
export interface Ledger {
  readonly epoch: number;
  /** The alerts of the chunk as all earlier attempts left them. Alerts that nobody mentioned are missing. */
  readonly states: RowStates;
  /** Counted by whoever sends; written when the attempt ends in good order. */
  readonly figures: AnswerFigures;
  /** Whether a loss of power may have taken the word that the alert was about to be sent: nothing is known of it since. */
  mayHaveLost(line: number): boolean;
  /**
   * Writes down that these rows are about to be sent, and then looks whether they are still this attempt's: otherwise none of them may be
   * sent. What was recorded before goes with it.
   */
  announce(lines: readonly number[]): Promise<Confirmed>;
  /** Writes down what was recorded, power-loss safe, and looks whether these rows are still this attempt's: for a change of owner. */
  confirm(lines: readonly number[]): Promise<Confirmed>;
  /** Takes note of a result; it is written with the next call of any other method. */
  record(kind: ResultKind, line: number, status: number | undefined, attempts: number, reason?: string): void;
  /** Writes what was recorded, at once: a crash of this process loses nothing of it. */
  writeResults(): void;
  /** Power-loss safe up to here. */
  sync(): Promise<void>;
  /** The same for what was recorded a second ago, or earlier: called again and again, it bounds what a crash may take. */
  keepUp(): Promise<void>;
  /** Ends in good order; whatever was recorded is written. A second call does nothing. */
  close(): Promise<void>;
}

export interface Ledgers {
  /** How announcements are best cut. */
  readonly waves: WaveForm;
  /** Takes the next epoch, and reads what all lower ones say. Throws StaleRound where a newer round is at work on the chunk. */
  open(of: ChunkOf, attempt: Attempt): Promise<Ledger>;
  /** What the receipts of a chunk say now. */
  read(of: ChunkOf): Promise<RowStates>;
  /** The same, with how the attempts were answered that have ended in good order. */
  readWithFigures(of: ChunkOf): Promise<StatesAndFigures>;
}

export interface StatesAndFigures {
  readonly states: RowStates;
  readonly figures: AnswerFigures;
}

/** A newer try at the file has begun: this one announces and sends nothing more. */
export class StaleRound extends Error {
  constructor(round: number, newest: number) {
    super(`round ${round} of this file is over: round ${newest} has begun`);
    this.name = 'StaleRound';
  }
}
