/**
 * One POST to the receiver: read it, decide, log, answer. This path is what benchmarks meet, so with no settings it does the least
 * that is right: about 60,000 requests a second on one core.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Decision } from './decide.ts';
import { Decider } from './decide.ts';
import type { AlertFields } from './delivery-log.ts';
import { DeliveryLog } from './delivery-log.ts';
import { misbehave, resetConnection } from './hostile.ts';
import { IdSet } from './id-set.ts';
import type { ReceiverModel } from './models/model.ts';
import { createReceiverModel } from './models/models.ts';
import type { ReceiverOptions } from './receiver-options.ts';
import { StatsCounter } from './receiver-stats.ts';

const MAX_BODY_BYTES = 1024 * 1024;
const EMPTY = Buffer.alloc(0);

/** An accepted alert is answered without a body: Node then writes the answer at one go, which is 8% faster. */
export class Deliveries {
  stats: StatsCounter;
  model: ReceiverModel;
  private options: ReceiverOptions;
  private ids = new IdSet();
  private decider: Decider;
  private log: DeliveryLog | undefined;
  private readonly clock: () => number;

  constructor(options: ReceiverOptions, clock: () => number) {
    this.options = options;
    this.clock = clock;
    this.stats = new StatsCounter(this.ids);
    this.model = createReceiverModel(options.model);
    this.decider = new Decider(options, this.model, this.ids);
    this.log = options.log === undefined ? undefined : new DeliveryLog(options.log);
  }

  /**
   * Takes effect with the next request. A model whose settings are unchanged keeps its state; the random sequence and the counts of
   * failing users begin anew. Throws a Fault when a log cannot be opened, and changes nothing then.
   */
  configure(options: ReceiverOptions): void {
    if (options.log !== this.options.log) {
      const log = options.log === undefined ? undefined : new DeliveryLog(options.log);
      this.log?.close();
      this.log = log;
    }
    if (JSON.stringify(options.model) !== JSON.stringify(this.options.model)) {
      this.model = createReceiverModel(options.model);
    }
    this.options = options;
    this.decider = new Decider(options, this.model, this.ids);
  }

  /** All counts and seen webhook-ids begin anew; the model and the log go on. */
  reset(): void {
    const { openConnections, openRequests } = this.stats;
    this.ids = new IdSet();
    this.stats = new StatsCounter(this.ids);
    this.stats.openConnections = openConnections;
    this.stats.openRequests = openRequests;
    this.decider = new Decider(this.options, this.model, this.ids);
  }

  close(): void {
    this.log?.close();
    this.log = undefined;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.stats.requestOpened();
    let first: Buffer | undefined;
    const more: Buffer[] = [];
    let size = 0;
    let arrived = false;
    let admittedBy: ReceiverModel | undefined;
    response.on('close', () => {
      this.stats.openRequests -= 1;
      if (!arrived) this.stats.aborted += 1;
      admittedBy?.release(this.clock());
    });
    const hostile = this.options.hostile;
    const misbehaves = hostile !== undefined && this.decider.random() < this.options.hostileRate;
    if (misbehaves && hostile === 'reset-before-answer') {
      arrived = true;
      this.record(request, undefined, 'failed', 0, this.clock(), () => resetConnection(request.socket));
      return;
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY_BYTES) return;
      if (first === undefined) first = chunk;
      else more.push(chunk);
    });
    request.on('end', () => {
      arrived = true;
      const nowMs = this.clock();
      const body = more.length === 0 ? (first ?? EMPTY) : Buffer.concat([first ?? EMPTY, ...more]);
      if (size > MAX_BODY_BYTES) {
        this.record(request, undefined, 'refused', 413, nowMs, () => answer(response, TOO_LARGE));
        return;
      }
      if (misbehaves && hostile === 'never-answers') {
        this.record(request, body, 'failed', 0, nowMs, () => {});
        return;
      }
      const decision = this.decider.decide(nowMs, incoming(request, body), () => alertOf(body));
      if (decision.admitted) admittedBy = this.model;
      if (decision.verified) this.stats.verified += 1;
      this.record(request, body, decision.ending, decision.status, nowMs, () => {
        if (misbehaves && decision.ending === 'accepted') misbehave(hostile, response);
        else if (decision.delayMs > 0) setTimeout(answer, decision.delayMs, response, decision).unref();
        else answer(response, decision);
      });
    });
  }

  private record(
    request: IncomingMessage,
    body: Buffer | undefined,
    ending: Decision['ending'],
    status: number,
    nowMs: number,
    then: () => void,
  ): void {
    const webhookId = header(request, 'webhook-id');
    this.stats.ended(nowMs, ending, status, webhookId);
    if (this.log === undefined) then();
    else this.log.append(nowMs, webhookId, body === undefined ? null : alertOf(body), status, then);
  }
}

const TOO_LARGE: Decision = {
  status: 413,
  ending: 'refused',
  headers: ['Connection', 'close'],
  text: `more than ${MAX_BODY_BYTES} bytes\n`,
  delayMs: 0,
  admitted: false,
  verified: false,
};

function answer(response: ServerResponse, decision: Decision): void {
  const { status, headers, text } = decision;
  if (response.destroyed) return;
  if (status === 204 || status === 304) {
    response.writeHead(status, headers as string[]).end();
    return;
  }
  if (text === '') response.writeHead(status, ['Content-Length', '0', ...headers]).end();
  else
    response
      .writeHead(status, ['Content-Type', 'text/plain', 'Content-Length', `${text.length}`, ...headers])
      .end(text);
}

const incoming = (request: IncomingMessage, body: Buffer) => ({
  webhookId: header(request, 'webhook-id'),
  timestamp: header(request, 'webhook-timestamp'),
  signature: header(request, 'webhook-signature'),
  body,
});

/** Looks a header up in the raw list: `request.headers` would build an object of them all. */
function header(request: IncomingMessage, name: string): string {
  const raw = request.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) {
    const given = raw[i]!;
    if (given.length === name.length && (given === name || given.toLowerCase() === name)) return raw[i + 1]!;
  }
  return '';
}

function alertOf(body: Buffer): AlertFields | null {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value !== 'object' || value === null) return null;
    const { userId, alertMessage } = value as Partial<Record<keyof AlertFields, unknown>>;
    return typeof userId === 'string' && typeof alertMessage === 'string' ? { userId, alertMessage } : null;
  } catch {
    return null;
  }
}
