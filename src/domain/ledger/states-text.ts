/** A base: what the rows of a chunk have come to, as text. Pure. */
import type { RowState, RowStates } from './row-state.ts';
import { freshState } from './row-state.ts';

const DEFAULTS = freshState();

/** A base: states as text, a line a row, without what is as it is from the start. */
export function statesText(states: RowStates): string {
  let text = '';
  for (const [line, state] of states) {
    const changed = Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key as keyof RowState]);
    text += `${JSON.stringify([line, Object.fromEntries(changed)])}\n`;
  }
  return text;
}

export function parseStates(text: string): RowStates {
  const states: RowStates = new Map();
  for (const entry of text.split('\n')) {
    if (entry === '') continue;
    const [line, changed] = JSON.parse(entry) as [number, Partial<RowState>];
    // Of before the two epochs were told apart.
    const { movedEpoch = changed.movedTo === undefined ? undefined : changed.epoch } = changed;
    // Infinity is null in JSON: whoever had that request open has closed its journal since.
    states.set(line, {
      ...freshState(),
      ...changed,
      movedEpoch: movedEpoch ?? DEFAULTS.movedEpoch,
      openFencedMs: changed.openFencedMs ?? undefined,
    });
  }
  return states;
}
