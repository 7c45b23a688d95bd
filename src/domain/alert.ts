/**
 * The words for what is in a file and what became of it. Every row of every file ends in exactly one of:
 * delivered, rejected, undelivered, unconfirmed, suppressed, invalid, duplicate; the sum equals the rows read.
 */

/** Why a row cannot be an alert. The row is listed in `invalid.csv`; the rest of the file goes on. */
const INVALID_REASONS = [
  'missing_user_id',
  'missing_message',
  'bad_user_id',
  'bad_message',
  'bad_csv',
  'bad_json',
  'not_object',
  'invalid_utf8',
  'row_too_large',
  'control_char',
  'too_deep',
  'repeated_header',
  'bad_column',
] as const;
export type InvalidReason = (typeof INVALID_REASONS)[number];

/** How an alert ended at an endpoint. `suppressed`: its user is on a suppression list, and it was not sent. */
export const OUTCOMES = ['delivered', 'rejected', 'undelivered', 'unconfirmed', 'suppressed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * The body of the one POST that an alert becomes, with exactly these members in this order. Byte-identical at every attempt, so it is made
 * once, when the chunk is written: a signature or a checksum of the receiver stays the same.
 */
export function alertBody(userId: string, alertMessage: string): string {
  return `{"userId":${JSON.stringify(userId)},"alertMessage":${JSON.stringify(alertMessage)}}`;
}

/** What is still known of a row that is no alert, each exactly as the file has it; absent: unreadable, or not there. */
export interface ReadableFields {
  readonly userId?: string | undefined;
  readonly alertMessage?: string | undefined;
  readonly origin?: string | undefined;
  /** Values of `columns` of the parse options, in their order; absent: none are asked for, or they are not known. */
  readonly columns?: readonly string[] | undefined;
}
