/** The first page: upload a file, and the newest ones with their progress. */
import type { StatusReport } from '../../app/app.ts';
import { plainText } from '../../domain/plain-text.ts';
import { countsText, filePage, isUnderWay, progressBar, stateText, time, waitingText } from './file-text.ts';
import type { Page } from './html.ts';
import { html } from './html.ts';

export function filesPage({ files }: StatusReport): Page {
  const cards = files.map(
    (file) => html`<li class="card">
<h3><a href="${filePage(file)}">${plainText(file.file)}</a></h3>
<p>${stateText(file)}<span class="soft"> · to ${file.endpoint} · ${time(file.startedAt)}</span></p>
${progressBar(file)}
<p>${countsText(file)}</p>
${waitingText(file)}
</li>`,
  );
  const list = cards.length === 0 ? html`<p>No file yet.</p>` : html`<ol class="cards">${cards}</ol>`;
  return {
    title: 'Files',
    at: '/',
    moves: true,
    body: html`<section aria-labelledby="upload"><h2 id="upload">Upload</h2>
<form method="post" action="/ui/upload" enctype="multipart/form-data">
<div><label for="file">Files of alerts</label>
<p class="soft" id="kinds">.csv, .ndjson, .jsonl or .json, each also .gz; choose them, or drop them here</p>
<input id="file" name="file" type="file" multiple required aria-describedby="kinds" accept=".csv,.ndjson,.jsonl,.json,.gz"></div>
<button>Upload and deliver</button>
</form></section>
<section aria-labelledby="newest"><h2 id="newest">Newest files</h2>
${files.some(isUnderWay) ? html`<p data-again><a href="/">Look again</a></p>` : ''}
<div id="files" data-live>${list}</div></section>`,
  };
}
