/** What uploaded files would come to: nothing is sent before somebody says so. */
import type { FilePreview } from '../../app/preview.ts';
import { plainText } from '../../domain/plain-text.ts';
import { invalidLines, warningLines } from '../../domain/rows/words.ts';
import { number, time } from './file-text.ts';
import type { Html, Page } from './html.ts';
import { html } from './html.ts';

const SEPARATORS: Readonly<Record<string, string>> = { ',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'pipes' };

/** `name`: under which they are held. */
export function previewPage(name: string, previews: readonly FilePreview[]): Page {
  const fit = previews.some(({ refused, counts }) => refused === null && counts.pending > 0);
  return {
    title: previews.length === 1 ? `Preview of ${plainText(previews[0]!.file)}` : 'Preview',
    body: html`<p role="status">Nothing has been sent. These files wait for a quarter of an hour, for you to decide.</p>
<div class="orders">
${fit ? html`<form method="post" action="/ui/previews/${name}/deliver"><button>Deliver</button></form>` : ''}
<form method="post" action="/ui/previews/${name}/discard"><button class="quiet">Discard</button></form>
</div>
${fit ? firstForm(name, previews.length) : ''}
${previews.map(one)}`,
  };
}

const SENT_FIRST = 20;

/** Some alerts now, and the rest when somebody has seen how they went. */
const firstForm = (name: string, files: number): Html => html`<form method="post" action="/ui/previews/${name}/deliver">
<div><label for="first">Or a few first${files > 1 ? ', of each file' : ''}</label>
<p class="soft" id="then">The rest waits until somebody approves it, on the page of the file.</p>
<span class="row"><input id="first" name="first" type="number" inputmode="numeric" min="1" max="1000000" value="${SENT_FIRST}" required aria-describedby="then">
<button class="quiet">Send these first</button></span></div></form>`;

function one(preview: FilePreview, at: number): Html {
  const { counts, duplicateRows, found, invalidRows, refused, requests, suppressedRows } = preview;
  const { suppressed = 0 } = counts;
  const facts: (readonly [string, Html | string])[] = [
    ['Rows', number(counts.rows)],
    ['Alerts', number(counts.alerts)],
    ...(suppressed === 0 ? [] : [['On a suppression list: not sent', number(suppressed)] as const]),
    ...(counts.invalid === 0 ? [] : [['Invalid rows', number(counts.invalid)] as const]),
    ...(counts.duplicates === 0 ? [] : [['Duplicates', number(counts.duplicates)] as const]),
    ['Read as', readAs(found)],
    ['Endpoint', preview.endpoint ?? 'none'],
    ['Takes', takes(preview)],
    ...(preview.when.why === null ? [] : [['When', when(preview.when)] as const]),
    ['Before', before(preview)],
  ];
  const notes = [...invalidLines(counts).map((line) => `Invalid: ${line}`), ...warningLines(counts)];
  const id = `file-${at}`;
  return html`<section aria-labelledby="${id}" class="card"><h2 id="${id}">${plainText(preview.file)}</h2>
${refused === null ? '' : html`<p class="state refused">It would be refused, and nothing of it sent: ${plainText(refused.message)}</p>`}
<dl>${facts.map(([label, text]) => html`<dt>${label}</dt><dd>${text}</dd>`)}</dl>
${notes.length === 0 ? '' : html`<ul>${notes.map((note) => html`<li>${plainText(note)}</li>`)}</ul>`}
${requests.map((request, index) => html`<details${index === 0 ? html` open` : ''}><summary>Request ${index + 1}</summary><pre tabindex="0">${request.split('\n').map(plainText).join('\n')}</pre></details>`)}
${rows('Invalid rows', counts.invalid, invalidRows, ({ line, reason, row }) => html`line ${number(line)}, ${reason}: ${plainText(row)}`)}
${rows('Duplicates', counts.duplicates, duplicateRows, ({ line, firstLine, userId }) => html`line ${number(line)}, ${plainText(userId)}: first on line ${number(firstLine)}`)}
${rows('On a suppression list', suppressed, suppressedRows, ({ line, userId }) => html`line ${number(line)}, ${plainText(userId)}`)}
</section>`;
}

function rows<Row>(title: string, all: number, shown: readonly Row[], text: (row: Row) => Html): Html {
  if (all === 0) return html``;
  const more = all - shown.length;
  return html`<details><summary>${title}: ${number(all)}</summary><ul>${shown.map((row) => html`<li>${text(row)}</li>`)}</ul>
${more > 0 ? html`<p>… and ${number(more)} more.</p>` : ''}</details>`;
}

function readAs({ columns, encoding, format, gzip, separator }: FilePreview['found']): string {
  const parts = [`${format}${gzip ? ', gzip' : ''}`, encoding];
  if (columns !== null) {
    parts.push(
      `${SEPARATORS[separator ?? ','] ?? separator} between them`,
      `user in column ${columns.userId}, message in column ${columns.alertMessage}`,
    );
  }
  return parts.join(', ');
}

function takes({ counts, seconds }: FilePreview): string {
  if (counts.pending === 0) return 'nothing to send';
  if (seconds === null) return 'not known before it is sent';
  return seconds < 90 ? `about ${Math.max(1, Math.ceil(seconds))} s` : `about ${number(Math.ceil(seconds / 60))} min`;
}

const when = ({ from, late, why }: FilePreview['when']): Html =>
  late ? html`never: ${why ?? ''}` : html`from ${time(from ?? '')} on: ${why ?? ''}`;

function before({ before: earlier, endpoint }: FilePreview): Html {
  const own = earlier.find((delivery) => delivery.endpoint === endpoint);
  if (own === undefined) return html`these bytes were never delivered there`;
  return html`submitted ${time(own.firstSubmittedAt)}, ${number(own.delivered ?? 0)} delivered: these are not sent again`;
}
