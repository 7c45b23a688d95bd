/** `/endpoints`: where alerts go, how fast, and orders about that. */
import { z } from 'zod';
import type { ServedApp } from '../../app/served.ts';
import type { Override } from '../../domain/governor/contract.ts';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { endpointList, endpointOrder, endpointStatus } from '../schemas.ts';

const params = z.object({ name: z.string().min(1).max(63).describe('The name of the endpoint') });
const NOT_FOUND = { 404: { about: 'wds knows no such endpoint' } };

export function endpointRoutes(app: ServedApp): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/endpoints',
        operation: 'listEndpoints',
        about: 'The endpoints that are configured, or that something was sent to',
        asks: {},
        answers: { 200: { about: 'As they are now', schema: endpointList } },
      },
      async () => ({ status: 200, body: { endpoints: await app.endpoints() } }),
    ),
    route(
      {
        method: 'GET',
        url: '/endpoints/:name',
        operation: 'getEndpoint',
        about: 'An endpoint, as it is now',
        asks: { params },
        answers: { 200: { about: 'Its rate, its circuit, and why it is open', schema: endpointStatus }, ...NOT_FOUND },
      },
      async ({ params: { name } }) => ({ status: 200, body: await app.endpoint(name) }),
    ),
    route(
      {
        method: 'POST',
        url: '/endpoints/:name',
        operation: 'orderEndpoint',
        about: 'Pauses or resumes it, sets its rate, or forgets what was learned about it',
        asks: { params, body: endpointOrder },
        answers: {
          200: { about: 'The endpoint after that', schema: endpointStatus },
          ...NOT_FOUND,
          409: { about: 'Its governor refuses the order' },
          413: { about: 'The body is too large' },
          415: { about: 'Not application/json' },
          422: { about: 'No such order' },
        },
      },
      async ({ params: { name }, body }) => ({ status: 200, body: await app.endpoint(name, overrideOf(body)) }),
    ),
  ];
}

export function overrideOf(order: z.output<typeof endpointOrder>): Override {
  if (order.order !== 'set-rate') return { type: order.order };
  return { type: 'set-rate', rate: order.rate === 'configured' ? null : order.rate };
}
