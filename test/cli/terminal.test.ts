import { expect, test } from 'vitest';
import { Terminal } from '../../src/cli/terminal.ts';
import { plainText } from '../../src/domain/plain-text.ts';

function terminal(isTTY: boolean, columns = 80): { it: Terminal; screen: () => string } {
  let text = '';
  const stream = {
    isTTY,
    columns,
    write(piece: string) {
      text += piece;
    },
  };
  return { it: new Terminal({ stdout: stream, stderr: stream, env: {} }), screen: () => text };
}

const CLEAR = '\r\u001b[2K';

test('messages and data keep clear of the updating line, which is drawn again below them', () => {
  const { it, screen } = terminal(true);
  it.progress('50%');
  it.message('hello');
  it.data('result');
  it.progress('');
  it.message('end');
  expect(screen()).toBe(`${CLEAR}50%${CLEAR}hello\n50%${CLEAR}result\n50%${CLEAR}end\n`);
});

test('the updating line never wraps', () => {
  const { it, screen } = terminal(true, 20);
  it.progress(`${'📦'.repeat(30)}`);
  expect(screen()).toBe(`${CLEAR}${'📦'.repeat(19)}`);
});

test('where nobody looks there is no updating line', () => {
  const { it, screen } = terminal(false);
  it.progress('50%');
  it.progress('');
  expect(screen()).toBe('');
});

test('foreign text cannot move the cursor, break a line or turn the reading direction', () => {
  expect(plainText('a\u001b[2J\r\n\u0085\u2028\u202eb')).toBe('a\\u001b[2J\\u000d\\u000a\\u0085\\u2028\\u202eb');
  expect(plainText('Zürich 📦 "x"')).toBe('Zürich 📦 "x"');
});
