/** A file in words: its state, how far it is, and what there is to do. */
import type { z } from 'zod';
import type { FileStatus } from '../../app/app.ts';
import { endedOf } from '../../domain/counts.ts';
import { plainText } from '../../domain/plain-text.ts';
import type { fileStatus } from '../schemas.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';

export type ShownFile = FileStatus | z.output<typeof fileStatus>;

const STATES: Readonly<Record<ShownFile['state'], string>> = {
  received: 'Received, not read yet',
  running: 'Being sent',
  paused: 'Paused',
  completed: 'Delivered',
  failed: 'Ended with failures',
  refused: 'Refused, nothing was sent',
  cancelled: 'Cancelled',
  stopped: 'Stopped before its end',
  unknown: 'Not known to Temporal any more',
};

export const number = (value: number): string => value.toLocaleString('en-US');
export const isUnderWay = ({ state }: ShownFile): boolean =>
  state === 'running' || state === 'received' || state === 'paused';
export const ended = (file: ShownFile): number => endedOf(file);
export const filePage = ({ sha256, endpoint, workflowId }: ShownFile): string =>
  `/ui/files/${encodeURIComponent(workflowId || `file-${sha256}-${endpoint}`)}`;

export const time = (iso: string): Html =>
  html`<time datetime="${iso}">${iso.replace('T', ' ').replace(/:\d\d(\.\d+)?Z$/, ' UTC')}</time>`;

/** Whoever reads a page has buttons for what is to be decided. */
export const stateText = (file: ShownFile): Html =>
  html`<span class="state ${file.state}">${isUndecided(file) ? 'Waits for a decision' : STATES[file.state]}</span>`;

const isUndecided = ({ waiting }: ShownFile): boolean => waiting?.why === 'decision';

/** `4,211 of 50,000 delivered; 3 rejected`. */
export function countsText(file: ShownFile): string {
  if (file.rows === 0 && file.alerts === 0) return '';
  const parts = [
    `${number(file.delivered)} of ${number(file.alerts)} delivered`,
    ...(['rejected', 'undelivered', 'unconfirmed', 'suppressed', 'invalid', 'duplicates'] as const).flatMap((name) => {
      const count = file[name] ?? 0;
      return count > 0 ? [`${number(count)} ${name === 'duplicates' && count === 1 ? 'duplicate' : name}`] : [];
    }),
  ];
  return parts.join('; ');
}

export function waitingText(file: ShownFile): Html | undefined {
  const { waiting } = file;
  if (!waiting) return undefined;
  const until = waiting.until ? html`, until ${time(waiting.until)}` : '';
  // The commands that decide are for a terminal.
  const text = isUndecided(file) ? waiting.text.replace(/; wds .*$/, '') : waiting.text;
  return html`<p>${isUndecided(file) ? 'To decide' : 'Waiting'}: ${plainText(text)}${until}</p>`;
}

/** Why nothing of it was sent. */
export const reasonText = ({ reason }: ShownFile): Html | undefined =>
  reason === undefined ? undefined : html`<p>${plainText(reason)}</p>`;

/** Named for who does not see it. */
export function progressBar(file: ShownFile): Html | undefined {
  if (!isUnderWay(file) || file.alerts === 0) return undefined;
  return html`<progress max="${file.alerts}" value="${ended(file)}" aria-label="Progress of ${plainText(file.file)}">${countsText(file)}</progress>`;
}
