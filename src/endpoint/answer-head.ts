/**
 * The head of an answer, read from the bytes as they came: for answers that a parser refuses, and to tell beforehand which ones a strict
 * parser would. Reads what people's servers write (RFC 9112 has all of it as errors to be tolerated, or worse): line feeds alone, blanks
 * before a colon, folded and malformed lines, interim answers that nobody asked for. Pure.
 */

export interface AnswerHead {
  readonly status: number;
  /** Lower-case names; the values of a name that is there several times joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the body begins; undefined: the head is not there to its end. */
  readonly bodyAt: number | undefined;
  /** What a strict parser would refuse, in a word for a log; undefined: nothing. */
  readonly odd: string | undefined;
}

const BARE_LF = 'lines that end with a line feed alone';
const STATUS_LINE = /^HTTP\/\d(?:\.\d)?[ \t]+(\d{3})(?!\d)[^\n]*\n/i;
const STRICT_STATUS_LINE = /^HTTP\/1\.[01] \d{3}(?: [\t\x20-\x7e\x80-\xff]*)?\r\n$/;
const STRICT_FIELD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n$/;

/** `received`: Latin-1. undefined: there is no whole status line in it, or none but those of interim answers. */
export function readAnswerHead(received: string): AnswerHead | undefined {
  let odd: string | undefined;
  let at = 0;
  for (;;) {
    const blanks = /^\s*/.exec(received.slice(at, at + 64))![0].length;
    if (blanks > 0) odd ??= 'a blank before its status line';
    at += blanks;
    const status = STATUS_LINE.exec(received.slice(at, at + 8_192));
    if (status === null) return undefined;
    if (!STRICT_STATUS_LINE.test(status[0])) odd ??= status[0].endsWith('\r\n') ? 'a malformed status line' : BARE_LF;
    const fields = readFields(received, at + status[0].length);
    odd ??= fields.odd;
    const code = Number(status[1]);
    if (code >= 200) return { status: code, headers: fields.headers, bodyAt: fields.endAt, odd };
    if (code === 100) odd ??= 'a 100 Continue that was not asked for';
    if (fields.endAt === undefined || code === 101) return undefined;
    at = fields.endAt;
  }
}

function readFields(text: string, from: number): Omit<AnswerHead, 'status' | 'bodyAt'> & { endAt: number | undefined } {
  const headers: Record<string, string> = Object.create(null);
  let odd: string | undefined;
  let lengths = 0;
  let last = '';
  for (let at = from; ; ) {
    const end = text.indexOf('\n', at) + 1;
    const line = text.slice(at, end);
    if (end === 0) return { headers, endAt: undefined, odd };
    at = end;
    if (line === '\n' || line === '\r\n') {
      if (line === '\n') odd ??= BARE_LF;
      if (lengths > 0 && 'transfer-encoding' in headers) odd ??= 'both Content-Length and Transfer-Encoding';
      return { headers, endAt: end, odd };
    }
    if (!STRICT_FIELD.test(line)) odd ??= oddityOf(line);
    const colon = line.indexOf(':');
    if (/^[ \t]/.test(line)) {
      if (last !== '') headers[last] = `${headers[last]} ${line.trim()}`;
    } else if (colon > 0) {
      last = line.slice(0, colon).trim().toLowerCase();
      const value = line.slice(colon + 1).trim();
      if (last === 'content-length' && (++lengths > 1 || !/^\d+$/.test(value)))
        odd ??= 'a Content-Length that is none, or two';
      headers[last] = last in headers ? `${headers[last]}, ${value}` : value;
    }
  }
}

function oddityOf(line: string): string {
  if (!line.endsWith('\r\n')) return BARE_LF;
  if (/^[ \t]/.test(line)) return 'a folded header';
  if (/^[^:]*[ \t]+:/.test(line)) return 'a blank before the colon of a header';
  return 'a malformed header';
}
