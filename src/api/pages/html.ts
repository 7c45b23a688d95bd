/** HTML as tagged templates: what is put in is text, unless it is HTML that was made here. And the frame of every page. */
import { htmlText } from '../../domain/plain-text.ts';

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | undefined | readonly Part[];

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(textOf).join('');
  return htmlText(String(part));
}

export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(texts.map((text, at) => text + textOf(parts[at])).join(''));

export interface Page {
  readonly title: string;
  readonly body: Html;
  /** Something on it moves: the script reads it again. */
  readonly moves?: boolean;
  /** Which link of the navigation leads here. */
  readonly at?: '/' | '/ui/users' | '/ui/endpoints';
}

const LINKS = [
  ['/', 'Files'],
  ['/ui/users', 'Users'],
  ['/ui/endpoints', 'Endpoints'],
] as const;

export function pageText({ title, body, moves = false, at }: Page): string {
  const navigation = LINKS.map(
    ([href, text]) => html`<li><a href="${href}"${href === at ? html` aria-current="page"` : ''}>${text}</a></li>`,
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · wds</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/ui/style.css">
${moves ? html`<script src="/ui/live.js" defer></script>` : ''}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><p class="brand"><a href="/">wds</a></p><nav aria-label="Pages"><ul>${navigation}</ul></nav></header>
<main id="main" tabindex="-1">
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`.text;
}
