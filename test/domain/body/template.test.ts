import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alertBody } from '../../../src/domain/alert.ts';
import type { BodyTemplate } from '../../../src/domain/body/template.ts';
import { bodyTemplate, ColumnNotCarried, requestBody, rowBody } from '../../../src/domain/body/template.ts';

const templateOf = (stated: unknown): BodyTemplate => {
  const template = bodyTemplate(stated);
  if ('fault' in template) throw new Error(template.fault);
  return template;
};
const faultOf = (stated: unknown): string => {
  const template = bodyTemplate(stated);
  return 'fault' in template ? template.fault : 'none';
};

describe('a template', () => {
  test('is JSON as text, kept as it is, or values of the configuration', () => {
    const row = rowBody('u-1', 'hello', ['name'], ['Ann']);
    const text = '{ "to": "{{userId}}", "n": 7, "text": "Dear {{column "name"}}: {{ alertMessage }}" }';
    expect(requestBody(row, templateOf(text))).toBe('{ "to": "u-1", "n": 7, "text": "Dear Ann: hello" }');
    const values = { to: '{{userId}}', list: ["{{column 'name'}}", '{{column "name"}}'], deep: { none: null } };
    expect(requestBody(row, templateOf(values))).toBe('{"to":"u-1","list":["Ann","Ann"],"deep":{"none":null}}');
    expect(templateOf(JSON.stringify(values)).columns).toEqual(['name']);
    expect(templateOf(values).columns).toEqual(['name']);
  });

  test('names each column once, sorted', () => {
    expect(templateOf(['{{column "b"}} {{column "a"}}', '{{column "b"}}']).columns).toEqual(['a', 'b']);
    expect(templateOf(['{{userId}}']).columns).toEqual([]);
  });

  test.each([
    ['not JSON', '{"to": "{{userId}}"', 'is not JSON'],
    ['a placeholder without quotes', '{"to": {{userId}}}', 'outside of a text'],
    ['a placeholder in a name', '{"{{userId}}": 1, "m": "{{alertMessage}}"}', 'in the name of a member'],
    ['an unknown placeholder', { to: '{{user}}' }, 'has {{user…; expected {{userId}}'],
    ['another case', { to: '{{userid}}' }, 'has {{userid…'],
    ['a column without quotes', { to: '{{column name}}' }, 'has {{column name…'],
    ['no placeholder', { a: 1 }, 'the same for everybody'],
    ['a text alone', '"{{userId}}"', 'no JSON object and no array'],
  ])('is refused for %s', (_what, stated, fault) => {
    expect(faultOf(stated)).toContain(fault);
  });

  test('whatever is put in, the body is the JSON that was meant', () => {
    const template = templateOf({ a: '{{userId}}', b: ['x {{alertMessage}} y', '{{column "c"}}'] });
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        (user, message, column) => {
          const body = requestBody(rowBody(user, message, ['c'], [column]), template);
          expect(JSON.parse(body)).toEqual({ a: user, b: [`x ${message} y`, column] });
        },
      ),
    );
  });

  test('is not applied within what was put in', () => {
    const body = requestBody(
      rowBody('{{alertMessage}}', '{{column "c"}}', [], []),
      templateOf(['{{userId}}', '{{alertMessage}}']),
    );
    expect(JSON.parse(body)).toEqual(['{{alertMessage}}', '{{column "c"}}']);
  });

  test('that needs a column which was not carried along says which', () => {
    const row = rowBody('u', 'm', ['a'], ['1']);
    expect(() => requestBody(row, templateOf(['{{column "b"}}']))).toThrow(ColumnNotCarried);
    expect(() => requestBody(row, templateOf(['{{column "toString"}}']))).toThrow('no column "toString"');
  });
});

describe('without a template', () => {
  test('the body is the usual one, byte for byte, whether columns were carried along or not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (user, message) => {
        const usual = alertBody(user, message);
        expect(rowBody(user, message, [], [])).toBe(usual);
        expect(requestBody(usual, undefined)).toBe(usual);
        expect(requestBody(rowBody(user, message, ['__proto__', 'c'], ['p', '}}']), undefined)).toBe(usual);
      }),
    );
  });

  test('a message that ends like columns is no row with columns', () => {
    const usual = alertBody('u', '"columns":{"a":"b"}}');
    expect(requestBody(usual, undefined)).toBe(usual);
  });
});
