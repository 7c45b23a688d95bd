/** The settings of the HTTP API (`wds api`, and in `wds up`). */
import { z } from 'zod';
import { atLeast, setting, text, whole } from './setting.ts';

export const api = z.strictObject({
  host: setting(z.string().trim().min(1).max(255), {
    expects: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
    about:
      'Where the HTTP API listens. Other machines reach it only where this is not a loopback address; then a token is needed.',
    env: 'WDS_API_HOST',
    flag: '--api-host <address>',
  }),
  port: setting(whole(0, 65_535), {
    expects: 'a whole number from 0 to 65535',
    about: 'Its port; 0: any that is free.',
    otherwise: '8480; where that is taken, `wds up` chooses another one',
    env: 'WDS_API_PORT',
    flag: '--api-port <port>',
  }),
  tokenFile: setting(text, {
    expects: 'the path of a file',
    about: 'File that holds the bearer token which clients have to send: 16 printable characters or more.',
    otherwise: 'none; on a loopback address no token is asked for',
    env: 'WDS_API_TOKEN_FILE',
    path: true,
  }),
  tokenEnv: setting(z.string().trim().min(1).max(200), {
    expects: 'the name of an environment variable',
    about: 'Environment variable that holds the token. `WDS_API_TOKEN` is read without being named here.',
    otherwise: '`WDS_API_TOKEN`, where it is set',
  }),
  maxUploadMiB: setting(whole(1, 1_048_576), {
    expects: 'a whole number from 1 to 1048576',
    about: 'An upload of more MiB than this is refused.',
  }),
  maxRequestsPerSecond: setting(whole(1, 1_000_000), {
    expects: 'a whole number from 1 to 1000000',
    about: 'Requests a second that the API takes from one address; beyond that it answers 429.',
  }),
  gatherSeconds: setting(atLeast(0.01, 60), {
    expects: 'seconds from 0.01 to 60',
    about: 'Alerts that are posted one by one are gathered into a file for this long.',
  }),
});
