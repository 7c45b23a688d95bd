/** For machines that look after this process: `/livez`, `/readyz`, `/metrics`. */
import { z } from 'zod';
import type { ServedApp } from '../../app/served.ts';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { readiness } from '../schemas.ts';

export function healthRoutes({ monitoring }: ServedApp): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/livez',
        operation: 'livez',
        about: 'Whether this process answers; asks for no token',
        asks: {},
        answers: { 200: { about: 'It does', schema: z.object({ alive: z.literal(true) }) } },
      },
      async () => ({ status: 200, body: { alive: true } }),
    ),
    route(
      {
        method: 'GET',
        url: '/readyz',
        operation: 'readyz',
        about: 'Whether what it needs is there; asks for no token',
        asks: {},
        answers: {
          200: { about: 'Ready', schema: readiness },
          503: { about: 'Not ready: `checks` says why', schema: readiness },
        },
      },
      async () => {
        const found = await monitoring.readiness.look();
        return { status: found.ready ? 200 : 503, body: found };
      },
    ),
    route(
      {
        method: 'GET',
        url: '/metrics',
        operation: 'metrics',
        about: 'Figures for Prometheus',
        asks: {},
        answers: { 200: { about: 'In its text format', schema: z.string(), types: ['text/plain'] } },
      },
      async () => {
        const { text, contentType } = await monitoring.figures();
        return { status: 200, body: text, headers: { 'content-type': contentType } };
      },
    ),
  ];
}
