/** What to do about a CSV whose columns were not found: which flags, judged by what stands in its first line. Never a guess that would send nonsense. */
import type { ParseOptions } from '../domain/parse-options.ts';

type Names = Pick<ParseOptions, 'userIdColumn' | 'alertMessageColumn' | 'header'>;

const SEPARATOR_NAMES: ReadonlyMap<string, string> = new Map([
  [',', 'comma'],
  [';', 'semicolon'],
  ['\t', 'tab'],
  ['|', 'pipe'],
]);

/** As `--separator` takes it. */
export const separatorName = (separator: string): string => SEPARATOR_NAMES.get(separator) ?? `'${separator}'`;

const letters = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

const USER_NAMES =
  /^(the)?(user|customer|client|member|account|subscriber|recipient|receiver|contact|person|employee|patient|student|kunde|kunden|nutzer|benutzer)?(id|no|nr|number|nummer|key|uid|guid|uuid|name)?$|^(phone|mobile|msisdn|email|mail|to)(number|address)?$/;
const MESSAGE_NAMES =
  /^(alert|push|sms|notification)?(message|messages|msg|text|body|content|alert|nachricht|mitteilung|notification)(text|body)?$/;

/** The one name that is meant, if that is clear. */
function guess(names: readonly string[], wanted: string, pattern: RegExp): string | undefined {
  const same = names.filter((name) => letters(name) === letters(wanted));
  const alike = names.filter((name) => letters(name) !== '' && pattern.test(letters(name)));
  return same.length === 1 ? same[0] : alike.length === 1 ? alike[0] : undefined;
}

/** Rather somebody's data than a name: it has a digit, an @, the end of a sentence, or several words. */
const isData = (text: string): boolean => /\d|@|[.!?…]\s*$|\S\s+\S+\s+\S/u.test(text) || text.length > 40;

const quoted = (name: string): string => (/^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

/** `general` shows nothing of the file. */
export function nextStepFor(
  names: readonly string[],
  separator: string,
  { userIdColumn, alertMessageColumn }: Names,
): { readonly full: string; readonly general: string } {
  const wanted = `${JSON.stringify(userIdColumn)} and ${JSON.stringify(alertMessageColumn)}`;
  const must = `The first line must name the columns ${wanted}.`;
  const general = `${must} If they have other names: \`--user-column\` and \`--message-column\`.`;
  const user = guess(names, userIdColumn, USER_NAMES);
  const message = guess(
    names.filter((name) => name !== user),
    alertMessageColumn,
    MESSAGE_NAMES,
  );
  const flags = separator === ',' ? '' : ` --separator ${separatorName(separator)}`;
  const isSafe = [user, message].every((name) => name !== undefined && /^[\P{C}]*$/u.test(name));
  if (isSafe && user !== undefined && message !== undefined) {
    const mapping = `\`--user-column ${quoted(user)} --message-column ${quoted(message)}\``;
    return { full: `${must} If those are meant: ${mapping} (parse.userIdColumn, parse.alertMessageColumn).`, general };
  }
  // Column 1 is then the user, and there may be no third.
  if (names.length === 2 && names.every((name) => name.trim() !== '') && names.some(isData)) {
    const headerless = `For a file without a header set \`header: false\` (\`--no-header${flags}\`): column 1 is then the user, column 2 the message.`;
    return { full: `${must} ${headerless}`, general: `${must} ${headerless}` };
  }
  return { full: general, general };
}
