/** One setting: its shape together with its description, for faults and for the reference. */
import { z } from 'zod';

export interface SettingMeta {
  /** Ends the sentence "expected …". */
  readonly expects: string;
  /** One sentence for docs/configuration.md. */
  readonly about: string;
  /** The default in words, where it is computed or absent; plain ones come from defaults.ts. */
  readonly otherwise?: string;
  readonly env?: string;
  readonly flag?: string;
  /** Its value is never shown. */
  readonly secret?: true;
  /** Taken relative to the configuration file's folder, or to the current one where it comes from the environment or a flag. */
  readonly path?: true;
}

const registry = z.registry<SettingMeta>();

/** An optional setting with its description; the description is found again by the schema. */
export function setting<T extends z.ZodType>(schema: T, meta: SettingMeta): z.ZodExactOptional<T> {
  const optional = schema.exactOptional();
  registry.add(optional, meta);
  return optional;
}

/** The description of a setting; undefined for a group. */
export const metaOf = (schema: z.ZodType): SettingMeta | undefined => registry.get(schema);

/** A number from minimum to maximum. */
export const atLeast = (minimum: number, maximum: number): z.ZodNumber => z.number().min(minimum).max(maximum);
/** A whole number from minimum to maximum. */
export const whole = (minimum: number, maximum: number): z.ZodNumber => z.int().min(minimum).max(maximum);
export const text = z.string().min(1).max(4096);
