/** The settings by which bytes become alerts: a part of the schema. */
import { z } from 'zod';
import { encodingOf, percentOf, separatorOf } from './parse-values.ts';
import { setting, whole } from './setting.ts';

const column = z.string().trim().min(1).max(200);

/** Of a whole: 20% or 0.2. */
export const share = z.union([z.number().min(0).max(1), z.string().refine((value) => percentOf(value) !== undefined)]);

export const parse = z.strictObject({
  header: setting(z.boolean(), {
    expects: 'true or false',
    about: 'CSV: whether the first line names the columns. Without: column 1 is the user, column 2 the message.',
    flag: '--no-header',
  }),
  userIdColumn: setting(column, {
    expects: 'a column name of up to 200 characters, other than parse.alertMessageColumn',
    about: 'Column (CSV) or member (JSON) that holds the user.',
    flag: '--user-column <name>',
  }),
  alertMessageColumn: setting(column, {
    expects: 'a column name of up to 200 characters',
    about: 'Column (CSV) or member (JSON) that holds the message.',
    flag: '--message-column <name>',
  }),
  separator: setting(
    z.string().refine((value) => separatorOf(value) !== undefined),
    {
      expects: 'comma, semicolon, tab or pipe, or the character itself',
      about: 'CSV: what stands between the fields.',
      otherwise: 'found from the header, or named by a first line `sep=;`; without a header a comma',
      flag: '--separator <char>',
    },
  ),
  encoding: setting(
    z.string().refine((value) => encodingOf(value) !== undefined),
    {
      expects: 'an encoding such as utf-8, windows-1252, iso-8859-1, utf-16le or shift_jis',
      about: 'What text is encoded in, where no byte order mark says it.',
      otherwise: 'UTF-8; UTF-16 with a byte order mark is known by that',
      flag: '--encoding <name>',
    },
  ),
  maxInvalid: setting(share, {
    expects: 'a share such as 20% or 0.2',
    about:
      'A file with at least two invalid rows, and more of them than this share, is refused before anything is sent. `100%` switches that off; a file without a valid row is refused all the same.',
    flag: '--max-invalid <share>',
  }),
  maxRecordBytes: setting(whole(64, 16_777_216), {
    expects: 'a whole number from 64 to 16777216',
    about: 'Longest record in bytes; a longer one is an invalid row.',
  }),
  maxUserIdLength: setting(whole(1, 65_536), {
    expects: 'a whole number from 1 to 65536',
    about: 'Longest userId in UTF-16 code units.',
  }),
});
