/** How the workflow of a file ends when what it finds in the store is less than there was, and when it is stopped. */
import { ApplicationFailure } from '@temporalio/common';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SendAlertsInput, WriteReportInput } from '../../src/domain/contracts.ts';
import { FAILURE } from '../../src/domain/names.ts';
import type { InvalidReasons } from '../../src/domain/rows/findings.ts';
import { batchResult, MockedFile, progressOf, untilCancelled } from './mocked-file.ts';
import { buildWorkflows } from './replaying.ts';
import type { WorkflowRun } from './workflow-run.ts';

beforeAll(buildWorkflows);

const batchesOf = (run: WorkflowRun): SendAlertsInput[] => run.callsOf<SendAlertsInput>('sendAlerts');

describe('a report that shows less than was done', () => {
  it.each([
    ['rows', { rows: 9 }],
    ['alerts', { rows: 0, alerts: 0, delivered: 0 }],
    ['deliveries', { delivered: 9 }],
  ])('other %s is no success: the activity is asked to compare, and the workflow looks, too', async (_, reported) => {
    const file = new MockedFile(1);
    file.reported = reported;
    const { end, runs } = await file.deliver();
    expect(end).toMatchObject({ kind: 'failed', failure: { type: FAILURE.receiptsMissing, nonRetryable: true } });
    expect(runs[0]!.callsOf<WriteReportInput>('writeReport')).toMatchObject([
      { seen: { rows: 10, alerts: 10, delivered: 10, invalid: 0, duplicates: 0 } },
    ]);
  });

  it('is not one that shows late answers', async () => {
    const file = new MockedFile(1);
    file.sendAlerts = () => batchResult({ delivered: 7, unconfirmed: 3 });
    expect((await file.deliver()).end).toMatchObject({ kind: 'completed', result: { delivered: 10 } });
  });
});

describe('a file without a valid row', () => {
  const unusable = (...reasons: InvalidReasons[]): MockedFile => {
    const file = new MockedFile(0);
    file.readChunks = ({ window }) => ({
      ...{ window, rows: 7, alerts: 0, invalid: 7, duplicates: 0, firstChunk: 1, chunks: 0, lastChunkAlerts: 0 },
      ...{ origins: 0, invalidReasons: reasons[window - 1]! },
      next: window < reasons.length ? { byteOffset: window, nextLine: window } : null,
    });
    file.reported = { rows: 7 * reasons.length, invalid: 7 * reasons.length };
    return file;
  };

  it('is refused: nothing is sent, its report is written, and the commonest reason is named', async () => {
    const file = unusable(
      { missing_user_id: { rows: 3, firstLine: 5 }, bad_csv: { rows: 4, firstLine: 2 } },
      { missing_user_id: { rows: 7, firstLine: 9 } },
    );
    const { end, runs } = await file.deliver();
    const failure = (end as { failure: ApplicationFailure }).failure;
    expect(failure).toMatchObject({ type: FAILURE.fileRefused, nonRetryable: true });
    expect(failure.message).toMatch(
      /^no row is valid: all 14 are refused, most often for missing_user_id \(10, the first on line 5\); see \/reports\/a\/invalid\.csv\. missing_user_id: there is no user /,
    );
    expect(failure.details).toMatchObject([
      { code: 'no_valid_row', line: 5 },
      { rows: 14, invalid: 14 },
    ]);
    expect(runs[0]!.calls.map(({ name }) => name)).toEqual(['readChunks', 'readChunks', 'writeReport']);
    expect(file.rounds).toBe(0);
  });

  it('is refused with too many invalid rows, and says by how much and how to send the others', async () => {
    const file = new MockedFile(1, { maxInvalid: 0.2 });
    const { readChunks } = file;
    file.readChunks = (input) => ({
      ...readChunks(input),
      ...{ rows: 14, invalid: 4, invalidReasons: { bad_csv: { rows: 4, firstLine: 3 } } },
    });
    file.reported = { rows: 14, invalid: 4, delivered: 0, pending: 10 };
    const { end, runs } = await file.deliver();
    const failure = (end as { failure: ApplicationFailure }).failure;
    expect(failure).toMatchObject({ type: FAILURE.fileRefused, details: [{ code: 'too_many_invalid', line: 3 }, {}] });
    expect(failure.message).toMatch(
      /^4 of 14 rows are invalid .*; see \/reports\/a\/invalid\.csv; to send the others .* --max-invalid 29%$/,
    );
    expect(runs[0]!.calls.map(({ name }) => name)).toEqual(['readChunks', 'writeReport']);
  });

  it('goes on with too many of them where somebody was alerted in an earlier run', async () => {
    const file = new MockedFile(1, { maxInvalid: 0.2 });
    const { readChunks } = file;
    file.readChunks = (input) => ({ ...readChunks(input), rows: 14, invalid: 4 });
    file.reported = { rows: 14, invalid: 4 };
    expect((await file.deliver()).end).toMatchObject({ kind: 'completed' });
  });

  it('that an earlier build has read is refused without a reason', async () => {
    const file = unusable({});
    const { end } = await file.deliver();
    expect((end as { failure: ApplicationFailure }).failure.message).toContain(
      'no row is valid: all 7 are refused; see',
    );
  });

  it('is not an empty one: that completes', async () => {
    expect((await new MockedFile(0).deliver()).end).toMatchObject({ kind: 'completed', result: { rows: 0 } });
  });
});

describe('chunks that are deleted while a file is under way', () => {
  const chunksMissing = () => ApplicationFailure.nonRetryable('chunk 1 is not in the store', FAILURE.chunksMissing);

  it('are read again, and all of it is gone through again: the receipts know what is done', async () => {
    const file = new MockedFile(3);
    let missing = 2;
    file.sendAlerts = ({ chunk, from, to }) => {
      if (chunk === 2 && missing-- > 0) throw chunksMissing();
      return batchResult({ delivered: to - from });
    };
    const { end, runs } = await file.deliver();
    expect(end).toMatchObject({ kind: 'completed', result: { delivered: 30 } });
    expect(runs[0]!.callsOf('readChunks').length).toBe(3);
    expect(file.rounds).toBe(1);
  });

  it('are read again for a stubborn alert and for the report, too', async () => {
    const file = new MockedFile(1);
    file.sendAlerts = ({ from, to }) => batchResult({ delivered: to - from - 1, stubborn: [7] });
    let missing = 1;
    file.sendAlert = () => {
      if (missing-- > 0) throw chunksMissing();
      return { outcome: 'delivered' };
    };
    let unreported = 1;
    file.onReport = () => {
      if (unreported-- > 0) throw chunksMissing();
    };
    const { end, runs } = await file.deliver();
    expect(end).toMatchObject({ kind: 'completed', result: { delivered: 10 } });
    expect(runs[0]!.callsOf('readChunks').length).toBe(3);
  });

  it('again and again end it with that reason', async () => {
    const file = new MockedFile(1);
    file.sendAlerts = () => {
      throw chunksMissing();
    };
    const { end, runs } = await file.deliver();
    expect(end).toMatchObject({ kind: 'failed', failure: { type: FAILURE.chunksMissing } });
    expect(runs[0]!.callsOf('readChunks').length).toBe(6);
  });

  it('together with the content, or that come back otherwise, end it: the file is to be dropped again', async () => {
    const gone = ApplicationFailure.nonRetryable('the content is gone; drop the file again', FAILURE.contentMissing);
    for (const again of ['gone', 'other']) {
      const file = new MockedFile(1);
      file.sendAlerts = () => {
        throw chunksMissing();
      };
      const read = file.readChunks;
      let reads = 0;
      file.readChunks = (input) => {
        if (reads++ === 0) return read(input);
        if (again === 'gone') throw gone;
        return { ...read(input), alerts: 9, lastChunkAlerts: 9 };
      };
      const { end } = await file.deliver();
      const { failure } = end as { failure: Error };
      expect(failure).toMatchObject({
        type: FAILURE.contentMissing,
        message: expect.stringContaining('drop the file again'),
      });
    }
  });
});

describe('the progress', () => {
  it('tells what this round has delivered from what was delivered before', async () => {
    const file = new MockedFile(3, { parallelChunks: 1 });
    file.sendAlerts = async ({ chunk }) => {
      if (chunk === 3) await run.sleep(1_000);
      return batchResult({ delivered: 10, deliveredBefore: chunk === 1 ? 10 : 4 });
    };
    const run = await file.start();
    await run.until(() => batchesOf(run).length === 3);
    expect((await progressOf(run)).counts).toMatchObject({ delivered: 20, sentNow: 6, pending: 10 });
  });
});

describe('a file that is cancelled', () => {
  it('ends, also where its report cannot be written', async () => {
    const file = new MockedFile(1);
    file.sendAlerts = (_, call) => untilCancelled(call);
    file.onReport = () => {
      throw ApplicationFailure.create({ type: FAILURE.store, message: 'no space left' });
    };
    const run = await file.start();
    await run.until(() => batchesOf(run).length === 1);
    run.cancel();
    expect((await run.ended()).kind).toBe('cancelled');
  });
});
