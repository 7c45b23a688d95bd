/** What was pruned, or would be, as text for people. */
import type { PrunedFile, PruneResult } from '../app/keeping/prune.ts';
import { PARTS } from '../config/settings.ts';
import { plainText } from '../domain/plain-text.ts';
import { bytesText } from '../domain/progress/bytes-text.ts';
import { count } from './output.ts';
import { table } from './tables.ts';
import type { Paint } from './terminal.ts';

const MOST_SHOWN = 20;

export function prunedText({ dryRun, files, kept, parts, bytes }: PruneResult, paint: Paint): string {
  const lines: string[] = [];
  if (files.length === 0) lines.push(kept.length === 0 ? 'Nothing is old enough to be pruned.' : 'Nothing is pruned.');
  else {
    const rows = PARTS.filter((part) => parts[part].files > 0);
    lines.push(
      table(
        rows,
        [
          { title: 'PART', text: (part) => part },
          { title: 'FILES', text: (part) => count(parts[part].files), right: true },
          { title: 'BYTES', text: (part) => bytesText(parts[part].bytes), right: true },
        ],
        paint,
      ),
      '',
      ...shown(files, fileLine),
      `${dryRun ? 'Would remove' : 'Removed'} ${paint(bytesText(bytes), 'bold')} of ${filesText(files.length)}. Receipts stay.`,
    );
  }
  if (kept.length === 0) return lines.join('\n');
  const stays = shown(
    kept,
    ({ file, why, forceable }) => `  ${plainText(file)}: ${why}${forceable ? ' (--force removes it)' : ''}`,
  );
  return [...lines, '', `Old enough, and kept: ${filesText(kept.length)}`, ...stays].join('\n');
}

const filesText = (files: number): string => (files === 1 ? '1 file' : `${count(files)} files`);

const fileLine = ({ file, parts }: PrunedFile): string =>
  `  ${plainText(file)}: ${PARTS.filter((part) => parts[part] !== undefined)
    .map((part) => `${part} ${bytesText(parts[part]!)}`)
    .join(', ')}`;

function shown<Item>(items: readonly Item[], line: (item: Item) => string): string[] {
  const more = items.length - MOST_SHOWN;
  const rest = more > 0 ? [`  … and ${count(more)} more; -o json lists all`] : [];
  return [...items.slice(0, MOST_SHOWN).map(line), ...rest];
}
