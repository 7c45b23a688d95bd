/**
 * How long a call of Temporal's service may take on a client's connection. The SDK's client sets no limit to a call that nobody answers, and
 * tries a refused one again for 22 s: a person who asks, or the API for somebody, is to know sooner, and in Temporal's words. Who has set a
 * deadline of its own (`withDeadline`) keeps it, and no try begins after it. Connections of workers are not of this kind: they poll.
 */
import type { ConnectionOptions } from '@temporalio/client';
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Interceptor>;

export interface CallLimits {
  /** Of one try; as long as Temporal's SDK for Go waits. */
  readonly answerMs: number;
  /** After so long no other try begins. */
  readonly triesMs: number;
}

const USUAL: CallLimits = { answerMs: 10_000, triesMs: 6_000 };

/** Waits for the end of a workflow: the server answers after 20 s at the latest, and is asked again. */
const LONG_POLLS = /\/(?:GetWorkflowExecutionHistory|PollWorkflowExecutionUpdate)$/;
/** gRPC's RESOURCE_EXHAUSTED: it answers, and asks for patience. */
const EXHAUSTED = 8;

/** For a connection, in this order. */
export const callLimits = (limits: CallLimits = USUAL): Interceptor[] => [tries(limits), answers(limits)];

function tries({ triesMs }: CallLimits): Interceptor {
  const usual = defaultGrpcRetryOptions();
  return (options, nextCall) => {
    const ownMs = options.deadline === undefined ? Number.POSITIVE_INFINITY : Number(options.deadline);
    const untilMs = LONG_POLLS.test(options.method_definition.path) ? ownMs : Math.min(ownMs, Date.now() + triesMs);
    let delayMs = 0;
    const again = makeGrpcRetryInterceptor({
      retryableDecider(attempt, status) {
        if (!usual.retryableDecider(attempt, status)) return false;
        delayMs = usual.delayFunction(attempt, status);
        return Date.now() + delayMs < (status.code === EXHAUSTED ? ownMs : untilMs);
      },
      delayFunction: () => delayMs,
    });
    return again(options, nextCall);
  };
}

function answers({ answerMs }: CallLimits): Interceptor {
  return (options, nextCall) => {
    const isLimited = options.deadline !== undefined || LONG_POLLS.test(options.method_definition.path);
    // gRPC's types ask for its class, and take what has the same methods.
    return nextCall(isLimited ? options : { ...options, deadline: Date.now() + answerMs }) as Call;
  };
}
