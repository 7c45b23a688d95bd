/** The OpenAPI document, made of the routes. */
import { z } from 'zod';
import { VERSION } from '../version.ts';
import { PROBLEM_TYPE } from './problem.ts';
import type { DocumentedAnswer, Route } from './route.ts';
import { problem } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _draft, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
};

/** What any request may be answered. */
const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'The token is missing or wrong',
  403: 'Asked by another host name, or by a page of another server',
  431: 'The address and the headers have more than 32 KiB',
  429: 'Too many requests a second from this address',
  500: 'Unexpected',
  503: 'Temporal or the disk is not to be had just now, or the API is being stopped',
};

export function openApiDocument(routes: readonly Route[], options: { readonly asksForToken: boolean }): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const one of routes) {
    const path = one.url.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: operation(one) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'wds',
      version: VERSION,
      description: 'Delivers files of alerts, and alerts that are posted, to a webhook, each alert once.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    ...(options.asksForToken ? { security: [{ token: [] }] } : {}),
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(problem, 'output') },
    },
  };
}

function operation({ operation: operationId, about, asks, answers, raw }: Route): Json {
  const content =
    raw ?? (asks.body === undefined ? undefined : { 'application/json': { schema: schemaOf(asks.body, 'input') } });
  const parameters = [
    ...parametersOf(asks.params, 'path'),
    ...parametersOf(asks.query, 'query'),
    ...parametersOf(asks.headers, 'header'),
  ];
  const documented = Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)] as const);
  const problems = Object.entries(PROBLEMS).map(([status, text]) => [status, problemAnswer(text)] as const);
  return {
    operationId,
    summary: about,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(content === undefined ? {} : { requestBody: { required: asks.body?.safeParse({}).success !== true, content } }),
    responses: Object.fromEntries([...problems, ...documented]),
  };
}

function parametersOf(schema: z.ZodObject | undefined, place: string): Json[] {
  return Object.entries(schema?.shape ?? {}).map(([name, one]) => {
    const type = one as z.ZodType;
    return {
      name: place === 'header' ? name.replace(/(^|-)(\w)/g, (_, dash, letter) => dash + letter.toUpperCase()) : name,
      in: place,
      required: place === 'path' || !type.safeParse(undefined).success,
      ...(type.description === undefined ? {} : { description: type.description }),
      schema: schemaOf(type, 'input'),
    };
  });
}

function answerOf({ about, schema, types = ['application/json'] }: DocumentedAnswer): Json {
  if (schema === undefined) return problemAnswer(about);
  const content = Object.fromEntries(types.map((type) => [type, { schema: schemaOf(schema, 'output') }]));
  return { description: about, content };
}

const problemAnswer = (description: string): Json => ({
  description,
  content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
});
