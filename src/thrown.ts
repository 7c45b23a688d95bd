/** What something thrown says of itself: the code of a system error, and a short reason for a log or a person. */
import { excerptOf } from './domain/plain-text.ts';

const MAX_CHARS = 300;

/** `ENOENT` and its like; undefined: not an error of the system. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

export const isErrno = (error: unknown, ...codes: readonly string[]): boolean => codes.includes(errnoOf(error) ?? '');

/** What Temporal's server answered a call with: the error itself, or the cause of one of the SDK's. `code` is a number of gRPC. */
export function grpcErrorIn(error: unknown): (Error & { readonly code: number; readonly details: string }) | undefined {
  const inner = error instanceof Error && isGrpcError(error.cause) ? error.cause : error;
  return isGrpcError(inner) ? inner : undefined;
}

const isGrpcError = (error: unknown): error is Error & { readonly code: number; readonly details: string } =>
  error instanceof Error &&
  'details' in error &&
  typeof error.details === 'string' &&
  'code' in error &&
  typeof error.code === 'number';

/**
 * One printable line. gRPC errors have their reason in `details` (the message decorates it, and the SDK's own says only what was asked); socket errors of several addresses have only a
 * code; TLS errors say most in their message.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return excerptOf(String(error), MAX_CHARS);
  const details = grpcErrorIn(error)?.details ?? '';
  if (details !== '') return excerptOf(details, MAX_CHARS);
  const code = errnoOf(error) ?? '';
  if (code === '' || error.message.includes(code)) return excerptOf(error.message || error.name, MAX_CHARS);
  return excerptOf(error.message === '' ? code : `${code}: ${error.message}`, MAX_CHARS);
}
