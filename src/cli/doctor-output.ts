/** What `wds doctor` has found, as text for people. */
import type { Diagnosis } from '../app/doctor/doctor.ts';
import type { FindingState } from '../app/doctor/finding.ts';
import { plainText } from '../domain/plain-text.ts';
import { table } from './tables.ts';
import type { Paint } from './terminal.ts';

const MARKS: Readonly<Record<FindingState, readonly [string, 'green' | 'yellow' | 'red']>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  fault: ['✗', 'red'],
};

export function diagnosisText({ findings, settings }: Diagnosis, paint: Paint): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const indent = ' '.repeat(width + 4);
  const lines = findings.flatMap(({ check, state, found, next }) => {
    const [first = '', ...more] = found.split('\n').map(plainText);
    return [
      `${paint(...MARKS[state])} ${check.padEnd(width)}  ${first}`,
      ...more.map((line) => `${indent}${line}`),
      ...(next === undefined || next === '' ? [] : [`${indent}→ ${plainText(next)}`]),
    ];
  });
  const stated = settings.filter(({ from }) => from !== 'default');
  const columns = [
    { title: 'SETTING', text: ({ key }: (typeof settings)[number]) => key },
    { title: 'VALUE', text: ({ value }: (typeof settings)[number]) => value },
    { title: 'FROM', text: ({ from }: (typeof settings)[number]) => from },
  ];
  const rest = 'All other settings have their defaults: -o json shows them.';
  const inForce = stated.length === 0 ? [] : ['', table(stated, columns, paint)];
  const faults = findings.filter(({ state }) => state === 'fault').length;
  const verdict =
    faults === 0 ? 'Nothing is at fault.' : `${faults} ${faults === 1 ? 'thing is' : 'things are'} at fault.`;
  return [...lines, ...inForce, ...(settings.length === 0 ? [] : ['', rest]), '', paint(verdict, 'bold')].join('\n');
}
