/** Where a user is, as text for people. */
import type { FoundAlert, FoundUser } from '../app/find-user.ts';
import { plainText } from '../domain/plain-text.ts';
import type { Column } from './tables.ts';
import { table } from './tables.ts';
import type { Paint } from './terminal.ts';
import { localTime } from './times.ts';

const LONGEST_ANSWER = 60;

export function foundText({ userId, alerts, more, unsearched }: FoundUser, paint: Paint): string {
  const user = plainText(userId);
  const missing =
    unsearched.length === 0 ? [] : ['', `Not searched, for their rows are not there: ${unsearchedText(unsearched)}`];
  if (alerts.length === 0) return [`${user} is in no file that was read.`, ...missing].join('\n');
  const delivered = alerts.filter(({ outcome }) => outcome === 'delivered').length;
  const total = alerts.length + more;
  const several = new Set(alerts.map(({ endpoint }) => endpoint)).size > 1;
  return [
    `${paint(user, 'bold')}: ${total} ${total === 1 ? 'alert' : 'alerts'}, ${delivered} delivered${more > 0 ? ` of the ${alerts.length} shown` : ''}`,
    table(alerts, several ? [...COLUMNS, ENDPOINT] : COLUMNS, paint),
    ...(more > 0 ? [`… and ${more} older ones: wds find shows them with -n ${total}`] : []),
    ...missing,
  ].join('\n');
}

const COLUMNS: readonly Column<FoundAlert>[] = [
  { title: 'OUTCOME', text: ({ outcome }) => outcome },
  { title: 'WHEN', text: ({ at }) => (at === null ? '-' : localTime(at)) },
  { title: 'FILE', text: ({ file }) => file },
  { title: 'LINE', text: ({ line }) => String(line), right: true },
  { title: 'ANSWER', text: answerText },
];
const ENDPOINT: Column<FoundAlert> = { title: 'ENDPOINT', text: ({ endpoint }) => endpoint };

function answerText({ reason, status, unknownAnswers }: FoundAlert): string {
  const answer = plainText(reason) || (status === null ? '-' : `HTTP ${status}`);
  const short = answer.length > LONGEST_ANSWER ? `${answer.slice(0, LONGEST_ANSWER - 1)}…` : answer;
  return unknownAnswers > 0 ? `${short}; ${unknownAnswers} more may have reached the user` : short;
}

function unsearchedText(files: readonly string[]): string {
  const shown = files.slice(0, 5).map(plainText).join(', ');
  return files.length > 5 ? `${shown} and ${files.length - 5} more` : shown;
}
