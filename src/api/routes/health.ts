/** For machines that look after this process: `/livez`, `/readyz`, `/metrics`. */
import { z } from 'zod';
import type { ServedApp } from '../../app/served.ts';
import type { Counters } from '../counters.ts';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { readiness } from '../schemas.ts';

const FILES_COUNTED = 100;

export function healthRoutes(app: ServedApp, counters: Counters): readonly Route[] {
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
        const found = await app.readiness();
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
        const { files, endpoints } = await app.status({ limit: FILES_COUNTED });
        const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
        return { status: 200, body: counters.text(files, endpoints), headers };
      },
    ),
  ];
}
