/**
 * Mends that can be taken out, one at a time, to see that the simulation would find each kind of fault: a piece of the compiled text of a module
 * is replaced while it is loaded. A piece that is not there (any more) is an error: the mutation is to follow the code.
 */
import type { Theme } from './plan.ts';

export interface Mutation {
  readonly name: string;
  /** What would be wrong with wds. */
  readonly fault: string;
  /** The schedules that find it soonest. */
  readonly theme: Theme;
  readonly pieces: readonly {
    /** Path of the module below dist/, without its extension. */
    readonly module: string;
    readonly from: string;
    readonly to: string;
  }[];
}

const FENCE = 'src/domain/ledger/fence';
const PLAN = 'src/domain/ledger/plan';
const ROW_STATE = 'src/domain/ledger/row-state';
const OUTCOMES = 'src/domain/ledger/outcomes';
const LEDGER = 'src/store/folder-ledger';
const ROUNDS = 'src/store/rounds';
const ORIGINS = 'src/store/origins';
const TAKE_OVER = 'activities/take-over-origins';
const LOOK_BACK = 'activities/look-back';

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'unknown-given-back',
    fault: 'an unknown outcome is written down as if the request had never been',
    theme: 'silence',
    pieces: [
      { module: 'activities/row-outcomes', from: "this.#tryAgain('a', row)", to: "this.#tryAgain('x', row)" },
      { module: 'activities/row-outcomes', from: 'row.unknown++;', to: '' },
    ],
  },
  {
    name: 'unknown-without-limit',
    fault: 'any number of requests of an alert may have an unknown outcome',
    theme: 'silence',
    pieces: [
      { module: PLAN, from: "ambiguous === 'hold' ? 1 : maximumUnanswered", to: "ambiguous === 'hold' ? 1 : Infinity" },
    ],
  },
  {
    name: 'unknown-ends-as-failed',
    fault: 'an alert that may have got through ends rejected or undelivered',
    theme: 'silence',
    pieces: [
      { module: 'activities/row-outcomes', from: "(kind === 'r' || kind === 'u') && row.unknown > 0", to: 'false' },
      { module: OUTCOMES, from: 'if (state.unknown > 0)', to: 'if (false)' },
    ],
  },
  {
    name: 'settled-without-waiting',
    fault: 'an alert is sent again while its first request may still be answered',
    theme: 'rounds',
    pieces: [{ module: PLAN, from: 'if (nowMs < atMs)', to: 'if (false)' }],
  },
  {
    name: 'no-look',
    fault: 'an attempt announces, and does not look whether a newer one has begun',
    theme: 'rounds',
    pieces: [{ module: LEDGER, from: 'if (epoch <= header.epoch)', to: 'if (true)' }],
  },
  {
    name: 'look-before-announcing',
    fault: 'an attempt looks first and announces then',
    theme: 'rounds',
    pieces: [
      {
        module: LEDGER,
        from: 'journal.append(this.#pending + intentLine(lines, clock.wallMs()));',
        to: 'const looked = await this.#look(lines); journal.append(this.#pending + intentLine(lines, clock.wallMs()));',
      },
      {
        module: LEDGER,
        from: 'await journal.flush();\n        return this.#look(lines);',
        to: 'await journal.flush();\n        return looked;',
      },
    ],
  },
  {
    name: 'fence-asks-the-next-epoch',
    fault: 'an attempt looks for the next epoch only',
    theme: 'neighbours',
    pieces: [{ module: LEDGER, from: 'if (epoch <= header.epoch)', to: 'if (epoch !== header.epoch + 1)' }],
  },
  {
    name: 'confirmation-without-end',
    fault: 'a request may begin long after its row was found to be ours',
    theme: 'rounds',
    pieces: [{ module: FENCE, from: 'nowMs - confirmedMs <= CONFIRMATION_VALID_MS', to: 'true' }],
  },
  {
    name: 'older-rounds-send-on',
    fault: 'an attempt of a round that is over opens, announces and sends like any other',
    theme: 'rounds',
    pieces: [
      {
        module: ROUNDS,
        from: 'throw new StaleRound(round, newest.round);',
        to: 'return { ...newest, round };',
      },
      { module: LEDGER, from: 'if (round > own.round)', to: 'if (false)' },
    ],
  },
  {
    name: 'older-results-hide-newer',
    fault: 'the result of an older attempt hides what a newer one has announced',
    theme: 'rounds',
    pieces: [
      { module: ROW_STATE, from: "(!isNew && kind !== 'd')", to: 'false' },
      { module: ROW_STATE, from: 'if (state.epoch !== journal.epoch || state.outcome', to: 'if (state.outcome' },
      {
        module: ROW_STATE,
        from: 'default:\n            if (open',
        to: 'default:\n            state.unknown = 0;\n            if (open',
      },
    ],
  },
  {
    name: 'two-fences',
    fault: 'a stubborn alert and its batch do not stop each other',
    theme: 'mends',
    pieces: [
      {
        module: FENCE,
        from: '!touches(newer.scope, line))',
        to: '!touches(newer.scope, line) || newer.scope.owner !== older.scope.owner)',
      },
    ],
  },
  {
    name: 'taken-over-without-fence',
    fault: 'a file that mends rows takes them over without stopping whoever sends them',
    theme: 'mends',
    pieces: [
      {
        module: TAKE_OVER,
        from: "{ round, scope: linesScope('takeover', lines) }",
        to: "{ round, scope: linesScope('takeover', []) }",
      },
    ],
  },
  {
    name: 'mended-twice',
    fault: 'a row that was mended before is taken from its first owner, not from its present one',
    theme: 'mends',
    pieces: [
      { module: TAKE_OVER, from: "movedTo === '' ? undefined : await next(movedTo, one, unknown)", to: 'undefined' },
    ],
  },
  {
    name: 'mended-as-somebody-else',
    fault: 'a mended row that names another user counts as the one it mends',
    theme: 'mends',
    pieces: [
      {
        module: ORIGINS,
        from: 'isForgotten(found.row) || userOf(found.row) === userOf(row)',
        to: 'true',
      },
    ],
  },
  {
    name: 'invalid-row-mended-twice',
    fault: 'two files that mend the same invalid row know nothing of each other',
    theme: 'mends',
    pieces: [
      {
        module: ORIGINS,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of code
        from: '`${line}:${userOf(row)}`',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of code
        to: '`${line}:${row.body}`',
      },
    ],
  },
  {
    name: 'mended-forgets-the-unknown',
    fault: 'a mended row does not know that its origin may have got through',
    theme: 'mends',
    pieces: [{ module: TAKE_OVER, from: 'const unknown = untold + (state?.unknown ?? 0)', to: 'const unknown = 0' }],
  },
  {
    name: 'earlier-files-not-asked',
    fault: 'once a message, a file does not look for its rows in those that are being sent',
    theme: 'shared',
    pieces: [
      {
        module: LOOK_BACK,
        from: 'if (open)\n            decision.waitsFor',
        to: 'if (false)\n            decision.waitsFor',
      },
    ],
  },
  {
    name: 'latest-file-overlooked',
    fault: 'of two files that come at the same moment none looks into the other',
    theme: 'shared',
    pieces: [
      {
        module: 'src/store/once/once-index',
        from: 'for (const file of files) {\n                for (let part',
        to: 'for (const file of files.slice(0, -1)) {\n                for (let part',
      },
    ],
  },
  {
    name: 'earlier-rows-not-taken-over',
    fault: 'what an earlier file has left is sent by a later one, and again by a retry of the earlier',
    theme: 'shared',
    pieces: [
      {
        module: TAKE_OVER,
        from: "if (!delivered)\n                ledger.record('m', origin.row.line, undefined, 0, self);",
        to: '',
      },
    ],
  },
  {
    name: 'taken-over-what-was-lost',
    fault: 'a row is taken over without regard to what a loss of power may have hidden',
    theme: 'shared',
    pieces: [
      { module: TAKE_OVER, from: 'ledger.mayHaveLost(origin.row.line) || state?.maybeTwice === true ? 1 : 0', to: '0' },
    ],
  },
  {
    name: 'options-replaced',
    fault: 'a later submission changes the parse options that the receipts belong to',
    theme: 'anything',
    pieces: [
      {
        module: 'src/store/delivery-record',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of code
        from: 'await store.create(optionsKey(of), `${JSON.stringify(record?.parse ?? wanted, null, 2)}\\n`);\n    return (await settledOptions(store, of));',
        to: 'return wanted;',
      },
      { module: LEDGER, from: 'parseKey === undefined || parseKey === own.parseKey', to: 'true' },
    ],
  },
  {
    name: 'epochs-used-again',
    fault: 'an epoch is taken that somebody has had since, and that is folded',
    theme: 'folds',
    pieces: [{ module: LEDGER, from: '.highest === epoch)', to: '.highest >= epoch)' }],
  },
  {
    name: 'folded-behind-an-open-one',
    fault: 'the journal by which an older attempt sees that it was superseded is folded and removed',
    theme: 'neighbours',
    pieces: [
      {
        module: 'src/store/folder-journals',
        from: '!open.has(own - 1)',
        to: 'true',
      },
    ],
  },
  {
    name: 'intents-not-synced',
    fault: 'under hold, what is about to be sent does not survive a loss of power',
    theme: 'crashes',
    pieces: [{ module: LEDGER, from: 'if (attempt.durable)\n            await journal.flush();', to: '' }],
  },
  {
    name: 'names-not-synced',
    fault: 'a loss of power may take a journal from which alerts were sent',
    theme: 'crashes',
    pieces: [{ module: LEDGER, from: 'journal.flush()]', to: 'undefined]' }],
  },
  {
    name: 'lost-power-unnoticed',
    fault: 'nobody asks what a journal that was not closed may have lost with the power',
    theme: 'crashes',
    pieces: [{ module: ROW_STATE, from: 'journal.boot !== options.boot', to: 'false' }],
  },
  {
    name: 'ends-not-synced',
    fault: 'what an attempt wrote last may be lost with the power',
    theme: 'crashes',
    pieces: [
      {
        module: LEDGER,
        from: 'await this.sync();\n            // Only now',
        to: '// Only now',
      },
    ],
  },
  {
    name: 'endpoint-of-another-home',
    fault: 'two installations with stores of their own send to one endpoint',
    theme: 'homes',
    pieces: [
      {
        module: 'src/temporal/endpoint-owners',
        from: "if (owner.kind === 'nobody' || owner.id === this.#installation)",
        to: 'if (true)',
      },
      { module: 'src/temporal/file-deliveries', from: 'run === undefined || !this.#isForeign(run)', to: 'true' },
    ],
  },
  {
    name: 'work-of-another-home',
    fault: 'a worker does the work of another installation, by its own store',
    theme: 'homes',
    pieces: [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of code
      { module: 'src/domain/names', from: 'wds-files-${installation}', to: 'wds-files' },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of code
      { module: 'src/domain/names', from: 'wds-alerts-${endpoint}-${installation}', to: 'wds-alerts-${endpoint}' },
      { module: 'activities/own-work', from: 'installation !== undefined && installation !== own', to: 'false' },
    ],
  },
  {
    name: 'missing-store-unnoticed',
    fault: 'nobody notices that the store is not mounted',
    theme: 'homes',
    pieces: [{ module: 'src/store/installation-identity', from: 'if (found === this.installation)', to: 'if (true)' }],
  },
  {
    name: 'pauses-without-cap',
    fault: 'a receiver may ask for a pause of weeks, and is waited for',
    theme: 'anything',
    pieces: [
      { module: 'src/domain/answers', from: 'capped ? context.maxRetryAfterMs : asked', to: 'asked' },
      { module: 'activities/send-activity', from: 'throttledForMs > endpoint.retry.giveUpAfterMs', to: 'false' },
    ],
  },
  {
    name: 'suppressed-users-sent',
    fault: 'nobody looks at the suppression list',
    theme: 'anything',
    pieces: [{ module: 'activities/send-activity', from: 'suppressed?.(userOf(row)) === true', to: 'false' }],
  },
  {
    name: 'sends-past-the-time',
    fault: 'a batch that has begun in time goes on when the time is over',
    theme: 'anything',
    pieces: [{ module: 'activities/batch', from: 'this.#clock.wallMs() >= closesMs', to: 'false' }],
  },
  {
    name: 'objects-overwritten',
    fault: 'in an object store, a writer takes a conflict for a success',
    theme: 'objects',
    pieces: [{ module: 'src/store/chunk-object', from: "if (etag !== 'conflict')", to: 'if (true)' }],
  },
];
