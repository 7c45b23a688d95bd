/**
 * The rows of a gathered file: NDJSON, each with the ID of the post that it came by, so that equal alerts of two posts are two alerts and
 * the file's hash is its own. A post of several alerts numbers them, so that a post of which a crash left only a part is known. Pure.
 */
import { BYTE_ORDER_MARK } from '../domain/csv-writer.ts';

export interface Alert {
  readonly userId: string;
  readonly alertMessage: string;
  /** By name, where the body template of an endpoint needs them. */
  readonly columns?: Readonly<Record<string, string>>;
}

/** By the names of the columns that the reader will look for. */
export interface RowNames {
  readonly userIdColumn: string;
  readonly alertMessageColumn: string;
}

/** What a row says of its post. */
export interface RowPost {
  readonly post: string;
  /** From 1, of how many. */
  readonly part: number;
  readonly parts: number;
  /** The claim of its idempotency key; undefined: it was posted without one. */
  readonly key: string | undefined;
}

/** Whatever encoding is configured for files that people drop: this one is UTF-8, and says so. */
export const FILE_START = BYTE_ORDER_MARK;

export function gatheredRow(alert: Alert, names: RowNames, { post, part, parts, key }: RowPost): string {
  const row = {
    ...alert.columns,
    [names.userIdColumn]: alert.userId,
    [names.alertMessageColumn]: alert.alertMessage,
    wdsPost: post,
    ...(parts === 1 ? {} : { wdsPart: `${part}/${parts}` }),
    ...(key === undefined ? {} : { wdsKey: key }),
  };
  return `${JSON.stringify(row)}\n`;
}

/** What a crash left of gathered files, in their order → the rows of each that belong to whole posts, and those posts. */
export function wholePosts(files: readonly string[]): {
  readonly rows: readonly (readonly string[])[];
  readonly posts: readonly RowPost[];
} {
  // The last piece is empty, or was never written to its end.
  const read = files.map((text) =>
    text
      .replace(FILE_START, '')
      .split('\n')
      .slice(0, -1)
      .flatMap((line) => {
        const post = postOf(line);
        return post === undefined ? [] : [{ line, post }];
      }),
  );
  const found = new Map<string, number>();
  for (const { post } of read.flat()) found.set(post.post, (found.get(post.post) ?? 0) + 1);
  const isWhole = ({ post, parts }: RowPost): boolean => found.get(post) === parts;
  const posts = new Map(read.flat().flatMap(({ post }) => (isWhole(post) ? [[post.post, post] as const] : [])));
  return {
    rows: read.map((rows) => rows.flatMap(({ line, post }) => (isWhole(post) ? [line] : []))),
    posts: [...posts.values()],
  };
}

function postOf(line: string): RowPost | undefined {
  try {
    const { wdsPost, wdsPart = '1/1', wdsKey } = JSON.parse(line) as Record<string, unknown>;
    if (typeof wdsPost !== 'string' || typeof wdsPart !== 'string') return undefined;
    const [part = 0, parts = 0] = wdsPart.split('/').map(Number);
    return { post: wdsPost, part, parts, key: typeof wdsKey === 'string' ? wdsKey : undefined };
  } catch {
    // Bytes that a loss of power put there.
    return undefined;
  }
}
