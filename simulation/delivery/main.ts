/** `npm run simulate`: registers what is replaced, and only then loads what is simulated. */
import { register } from 'node:module';
import { mutationIn } from './mutate.ts';

const args = process.argv.slice(2);
register('./hooks.js', import.meta.url, { data: { mutation: mutationIn(args) } });
const { main } = await import('./command.ts');
await main(args);
