/** The settings of the way to an endpoint: a part of the schema. */
import { z } from 'zod';
import { urlFault } from './endpoint-url.ts';
import { isNetwork, proxyFault } from './proxies.ts';
import { atLeast, setting, text } from './setting.ts';

export const proxy = setting(
  z.string().refine((value) => value === 'none' || proxyFault(value) === undefined),
  {
    expects: 'http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ where it asks for a login, or none',
    about:
      'The proxy through which the endpoint is reached (CONNECT). `none`: no proxy, whatever the environment says.',
    otherwise:
      '`HTTPS_PROXY` or `HTTP_PROXY`, by the scheme of the URL, unless `NO_PROXY` names its host; never for this machine itself',
    secret: true,
  },
);

export const allowAddresses = setting(z.array(z.string().refine(isNetwork)).min(1).max(100), {
  expects: 'a list of IP addresses or networks such as 10.20.0.0/16',
  about: 'Addresses that may be connected to though `network` or their kind would have them refused.',
  otherwise: 'none',
});

export const tls = z.strictObject({
  ca: setting(z.union([text, z.array(text).min(1).max(20)]), {
    expects: 'the path of a file, or a list of paths',
    about: 'Authorities (PEM) that vouch for the endpoint, in place of the usual ones.',
    otherwise: 'those of Node, and of `NODE_EXTRA_CA_CERTS`',
    path: true,
  }),
  cert: setting(text, {
    expects: 'the path of a file, beside tls.key',
    about:
      'The certificate (PEM, with those between) by which wds shows itself to the endpoint (mTLS). It is read again when it changes.',
    otherwise: 'none',
    path: true,
  }),
  key: setting(text, {
    expects: 'the path of a file, beside tls.cert',
    about: 'Its private key (PEM, without a passphrase).',
    otherwise: 'none',
    path: true,
  }),
});

export const tracing = z.strictObject({
  requests: setting(atLeast(0, 1), {
    expects: 'a share from 0 to 1',
    about:
      'Where an OpenTelemetry SDK is loaded: the share of its requests that get a span of their own, below that of their batch. Those that fail get one, up to 100 a batch.',
    otherwise: '0.01',
  }),
  traceparent: setting(z.boolean(), {
    expects: 'true or false',
    about:
      'Whether requests tell the receiver which trace they belong to, by the headers `traceparent` and `tracestate` (W3C Trace Context), where an SDK is loaded.',
    otherwise: '`false`',
  }),
});

export const oauth2 = z.strictObject({
  tokenUrl: setting(
    z.string().refine((value) => urlFault(value) === undefined),
    {
      expects: 'an http or https URL without #fragment and without user:password@',
      about: 'Where access tokens are fetched, by client credentials (OAuth 2.0, RFC 6749, section 4.4).',
      otherwise: 'none; without `oauth2` no token is sent',
    },
  ),
  clientId: setting(text, {
    expects: 'the ID of the client',
    about: 'By which the token server knows wds.',
    otherwise: 'none; it is needed beside `tokenUrl`',
  }),
  clientSecretFile: setting(text, {
    expects: 'the path of a file',
    about: 'File that holds the secret of the client.',
    otherwise: 'none; one of the two is needed',
    path: true,
  }),
  clientSecretEnv: setting(text, {
    expects: 'the name of an environment variable',
    about: 'Environment variable that holds it.',
    otherwise: 'none; one of the two is needed',
  }),
  scope: setting(text, {
    expects: 'scopes, separated by blanks',
    about: 'What the token is to allow.',
    otherwise: 'none',
  }),
  audience: setting(text, {
    expects: 'a text',
    about: 'For whom the token is, where the server asks for it.',
    otherwise: 'none',
  }),
  clientAuth: setting(z.enum(['basic', 'body']), {
    expects: 'basic or body',
    about: 'How the client shows itself to the token server: by HTTP Basic, or in the body of the request.',
    otherwise: '`basic`',
  }),
});
