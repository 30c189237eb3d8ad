import type { YamlScalar } from './yaml-node.ts';

export type ResolvedScalar = Pick<YamlScalar, 'type' | 'value'>;

const FLAGS: ReadonlyMap<string, boolean> = new Map(
  Object.entries({ yes: true, true: true, on: true, no: false, false: false, off: false }),
);
const FLAG = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
const NOTHING = /^(?:~|null|Null|NULL|)$/;
const BINARY = /^[-+]?0b[01_]+$/;
const OCTAL = /^[-+]?0[0-7_]+$/;
const HEX = /^[-+]?0x[0-9a-fA-F_]+$/;
const WHOLE = /^[-+]?(?:0|[1-9][0-9_]*)$/;
const WHOLE_BASE_60 = /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/;
const FRACTION = /^(?:[-+]?[0-9][0-9_]*[.][0-9_]*(?:[eE][-+][0-9]+)?|[.][0-9][0-9_]*(?:[eE][-+][0-9]+)?)$/;
const FRACTION_BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+[.][0-9_]*$/;
const INFINITE = /^[-+]?[.](?:inf|Inf|INF)$/;
const NOT_A_NUMBER = /^[.](?:nan|NaN|NAN)$/;
const DATE =
  /^\d{4}-\d\d-\d\d$|^\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:[.]\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?$/;

/** No number of a configuration is longer, and what is longer need not be searched by every pattern. */
const LONGEST_NUMBER = 64;

/** What an unquoted scalar means in YAML 1.1 as PyYAML reads it (its resolver.py): `y` is text, `010` is 8, `1:30` is 90. */
export function resolveScalar(source: string): ResolvedScalar {
  if (NOTHING.test(source)) return { type: 'nothing', value: null };
  if (FLAG.test(source)) return { type: 'flag', value: FLAGS.get(source.toLowerCase()) ?? false };
  if (source.length > LONGEST_NUMBER) return { type: 'text', value: source };
  if (DATE.test(source)) return { type: 'date', value: source };
  return resolveNumber(source) ?? { type: 'text', value: source };
}

/** A number as YAML 1.1 writes it, else undefined. */
export function resolveNumber(source: string): ResolvedScalar | undefined {
  const whole = resolveWhole(source);
  if (whole !== undefined) return { type: 'whole', value: whole };
  const fraction = resolveFraction(source);
  return fraction === undefined ? undefined : { type: 'fraction', value: fraction };
}

function resolveWhole(source: string): number | undefined {
  const sign = source.startsWith('-') ? -1 : 1;
  const digits = source.replace(/^[-+]/, '').replaceAll('_', '');
  if (WHOLE.test(source)) return sign * Number(digits);
  if (OCTAL.test(source)) return sign * Number.parseInt(`0${digits}`, 8);
  if (HEX.test(source)) return sign * Number.parseInt(digits, 16);
  if (BINARY.test(source)) return sign * Number.parseInt(`0${digits.slice(2)}`, 2);
  return WHOLE_BASE_60.test(source) ? sign * fromBase60(digits) : undefined;
}

function resolveFraction(source: string): number | undefined {
  const sign = source.startsWith('-') ? -1 : 1;
  const digits = source.replace(/^[-+]/, '').replaceAll('_', '');
  if (FRACTION.test(source)) return sign * Number(digits);
  if (FRACTION_BASE_60.test(source)) return sign * fromBase60(digits);
  if (INFINITE.test(source)) return sign * Infinity;
  return NOT_A_NUMBER.test(source) ? NaN : undefined;
}

function fromBase60(digits: string): number {
  return digits.split(':').reduce((sum, part) => 60 * sum + Number(part), 0);
}
