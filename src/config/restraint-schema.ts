/** The settings of what keeps alerts from being sent: a part of the group `delivery`. */
import { z } from 'zod';
import { TIME_EXPECTED, timeOf, WINDOW_EXPECTED, windowOf } from '../domain/restraint/schedule-texts.ts';
import { setting, text } from './setting.ts';

export const restraints = {
  suppressFile: setting(text, {
    expects: 'the path of a file',
    about:
      'A list of users who are not alerted, one a line; it is read again when it changes. Where it cannot be read, nothing is sent.',
    otherwise: 'none',
    env: 'WDS_SUPPRESS_FILE',
    flag: '--suppress-file <file>',
    path: true,
  }),
  notBefore: setting(
    z.string().refine((value) => timeOf(value) !== undefined),
    {
      expects: TIME_EXPECTED,
      about: 'Nothing of a file is sent before.',
      otherwise: 'at once',
      flag: '--not-before <time>',
    },
  ),
  notAfter: setting(
    z.string().refine((value) => timeOf(value) !== undefined),
    {
      expects: `${TIME_EXPECTED}, later than delivery.notBefore`,
      about: 'Nothing of a file is sent from then on: what is left is `undelivered`.',
      otherwise: 'however late',
      flag: '--not-after <time>',
    },
  ),
  window: setting(
    z.string().refine((value) => windowOf(value) !== undefined),
    {
      expects: WINDOW_EXPECTED,
      about: 'The hours of the day in which alerts are sent; outside of them files wait.',
      otherwise: '`always`',
      flag: '--window <hours>',
    },
  ),
};
