/** The settings of notifications: who is told of what by itself (`docs/notifications.md`). */
import { z } from 'zod';
import { NOTICE_TYPES } from '../domain/notices/notice.ts';
import { urlFault } from './endpoint-url.ts';
import { atLeast, setting, text } from './setting.ts';

const oneOrTwo = z.union([text, z.array(text).min(1).max(2)]);

export const notify = z.strictObject({
  url: setting(
    z.string().refine((value) => urlFault(value) === undefined),
    {
      expects: 'an http or https URL without #fragment and without user:password@',
      about: 'Where notifications are posted, as Standard Webhooks.',
      otherwise: 'none',
      env: 'WDS_NOTIFY_URL',
      secret: true,
    },
  ),
  secretFile: setting(oneOrTwo, {
    expects: 'the path of a file, or a list of one or two',
    about:
      'File that holds the secret (`whsec_…`) by which notifications are signed; two while you rotate it, newest first.',
    otherwise: 'none; they are not signed',
    path: true,
  }),
  secretEnv: setting(oneOrTwo, {
    expects: 'the name of an environment variable, or a list of one or two',
    about: 'Environment variable that holds it. `WDS_NOTIFY_SECRET` is read without being named here.',
    otherwise: '`WDS_NOTIFY_SECRET`, where it is set',
  }),
  command: setting(z.union([text, z.array(text).min(1).max(100)]), {
    expects: 'a command line for the shell, or a list: a program and its arguments',
    about: 'A command that is run for each notification, and reads it from its standard input as a line of JSON.',
    otherwise: 'none',
    env: 'WDS_NOTIFY_COMMAND',
    secret: true,
  }),
  events: setting(z.array(z.enum(NOTICE_TYPES)).min(1), {
    expects: `a list of ${NOTICE_TYPES.join(', ')}`,
    about: 'What is told.',
    otherwise: 'all of them',
  }),
  timeoutSeconds: setting(atLeast(0.1, 300), {
    expects: 'seconds from 0.1 to 300',
    about: 'How long the request, or the command, may take. Then it is tried again later.',
  }),
});
