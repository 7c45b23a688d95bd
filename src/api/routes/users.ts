/** `/users`: was this user alerted, from which file, when, with which answer? */
import { z } from 'zod';
import type { ServedApp } from '../../app/served.ts';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { foundUser } from '../schemas.ts';

const params = z.object({ userId: z.string().min(1).max(2_048).describe('Exactly as the files have it') });
const query = z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(50) });

export function userRoutes(app: ServedApp): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/users/:userId',
        operation: 'getUser',
        about: 'The alerts of a user, over all files and endpoints',
        asks: { params, query },
        answers: {
          200: { about: 'What became of each; none where no file has the user', schema: foundUser },
          404: { about: 'No user can be called that' },
        },
      },
      async ({ params: { userId }, query: { limit } }) => ({ status: 200, body: await app.user(userId, limit) }),
    ),
  ];
}
