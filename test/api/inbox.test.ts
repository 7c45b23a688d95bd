import { expect, test } from 'vitest';
import { inboxFor } from '../../src/api/inbox.ts';
import { filesPage } from '../../src/api/pages/files-page.ts';
import type { Problem } from '../../src/api/problem.ts';
import { STATUS } from '../cli/fake-app.ts';

const inbox = (...endpoints: string[]) => ({ endpoints, uploads: {}, posts: {} }) as never;
const problemOf = (run: () => unknown): Problem => {
  try {
    run();
  } catch (error) {
    return error as Problem;
  }
  throw new Error('no problem');
};

test('a single inbox need not be named, and may be', () => {
  const one = inbox('crm');
  expect(inboxFor({ inboxes: [one] }, undefined)).toBe(one);
  expect(inboxFor({ inboxes: [one] }, 'crm')).toBe(one);
});

test('one of several is named by its endpoints, in any order', () => {
  const [crm, both] = [inbox('crm'), inbox('crm', 'sms')];
  const inboxes = [crm, both];
  expect(inboxFor({ inboxes }, 'crm')).toBe(crm);
  expect(inboxFor({ inboxes }, 'sms, crm')).toBe(both);
  expect(inboxFor({ inboxes: [crm, inbox('crm')] }, 'crm')).toBe(crm);
});

test('nothing is put anywhere as long as it is not clear where', () => {
  const inboxes = [inbox('crm'), inbox('sms', 'crm')];
  const which = problemOf(() => inboxFor({ inboxes }, undefined));
  expect([which.status, which.code, which.extra]).toEqual([422, 'which_inbox', { expected: ['crm', 'crm,sms'] }]);
  const none = problemOf(() => inboxFor({ inboxes }, 'sms'));
  expect([none.status, none.code]).toEqual([404, 'no_such_inbox']);
});

test('the page has a button for each', () => {
  const page = filesPage(STATUS, [{ endpoints: ['crm'] }, { endpoints: ['crm', 'sms'] }]).body.text;
  expect(page).toContain('formaction="/ui/upload?endpoint=crm">Upload and deliver to crm<');
  expect(page).toContain('formaction="/ui/upload?endpoint=crm%2Csms">Upload and deliver to crm and sms<');
  expect(filesPage(STATUS, [{ endpoints: ['crm'] }]).body.text).toContain('<button>Upload and deliver</button>');
});
