/** The kinds of values that nodepool.yaml holds. What a schema cannot say itself (unit, era, secrecy) stands in its `FieldNotes`. */
import * as z from 'zod';

/** Read by `conformToSchema`, by fault messages and by the generated reference. */
export type FieldNotes = {
  readonly description?: string;
  readonly unit?: string;
  /** Never shown in a message. */
  readonly secret?: boolean;
  /** Any scalar will do, as the file spells it: `release: 21`; numbers and booleans may stand in quotes. */
  readonly spelled?: boolean;
  /** One item may stand for a list of one. */
  readonly oneOrMany?: boolean;
  /** What is no map is ignored with a warning. */
  readonly mapOrIgnored?: boolean;
  /** Maps inside are flattened one level. */
  readonly flattened?: boolean;
  /** Another spelling of this key. */
  readonly insteadOf?: string;
  /** Legal without any effect: why, for the warning. */
  readonly withoutEffect?: string;
  /** Makes the file invalid: why, and what to write instead. */
  readonly rejected?: string;
  /** What follows when the key is misspelt. */
  readonly ifAbsent?: string;
};

/** Text of at least one character. */
export function name(description: string) {
  return z.string().min(1).meta({ description });
}

export function text(description: string) {
  return z.string().meta({ description });
}

/** Text, or a number or boolean as the file spells it. */
export function spelled(description: string) {
  return z.string().meta({ description, spelled: true });
}

/** Text that no message may quote. */
export function secretText(description: string) {
  return z.string().meta({ description, secret: true });
}

export function flag(description: string) {
  return z.boolean().meta({ description });
}

export function whole(description: string, unit?: string) {
  return z.int().meta({ description, ...(unit === undefined ? {} : { unit }) });
}

/** A whole number of zero or more. */
export function count(description: string, unit?: string) {
  return z
    .int()
    .min(0)
    .meta({ description, ...(unit === undefined ? {} : { unit }) });
}

export function port(description: string) {
  return z.int().min(1).max(65_535).meta({ description });
}

/** Zero or more seconds; fractions are allowed. */
export function seconds(description: string) {
  return z.number().min(0).meta({ description, unit: 'seconds' });
}

/** More than zero seconds. */
export function deadline(description: string) {
  return z.number().positive().meta({ description, unit: 'seconds' });
}

export function listOf<T extends z.ZodType>(item: T, description: string) {
  return z.array(item).meta({ description });
}

/** The path of a program, without arguments: it is run without a shell, and looked for nowhere. */
export function program(description: string) {
  return z
    .string()
    .superRefine((path, context) => {
      if (path.startsWith('/')) return;
      const message = `Expected the whole path of a program, such as "/etc/nodepool/hook", found "${path}"`;
      context.addIssue({ code: 'custom', message });
    })
    .meta({ description });
}

/** A key that real files hold and that is read by nobody. */
export function unused(description: string) {
  return z.unknown().optional().meta({ description });
}

/** A key that is legal and does nothing: the operator is warned. */
export function withoutEffect(reason: string) {
  return z.unknown().optional().meta({ description: reason, withoutEffect: reason });
}

/** A key that shows that the file is written for another program. */
export function rejected(reason: string) {
  return z.unknown().optional().meta({ description: reason, rejected: reason });
}

/** Longest number of seconds that stays exact as milliseconds and fits a date. */
const MAX_SECONDS = 8.64e12;

export function toMs(value: number): number {
  return Math.round(1000 * Math.min(value, MAX_SECONDS));
}
