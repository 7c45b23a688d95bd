/** Where files come from and where alerts go, as the processes that stay say it once they run. */
import type { InboxSettings } from '../config/settings.ts';
import { inboxPlace } from '../config/settings.ts';
import type { Endpoint } from '../domain/endpoint.ts';
import { shownPlace } from './places.ts';

/** `about`: what an inbox is for. Where there are several, each says where its files go. */
export function inboxLines(inboxes: readonly InboxSettings[], cwd: string, about: string): string[] {
  const several = inboxes.length > 1 || inboxes.some(({ endpoints }) => endpoints.length > 1);
  const shown = inboxes.map((inbox) => {
    const here = shownPlace(inboxPlace(inbox), cwd);
    return several ? `${here} → ${inbox.endpoints.join(', ')}` : here;
  });
  const widest = Math.max(...shown.map((text) => text.length));
  return shown.map((text, at) => (at === 0 ? `Inbox      ${text.padEnd(widest)}   ${about}` : `           ${text}`));
}

export const endpointLines = (endpoints: readonly Pick<Endpoint, 'name' | 'url'>[]): string[] =>
  endpoints.map(({ name, url }, at) => `${at === 0 ? 'Endpoint' : '        '}   ${name}   ${url}`);
