import type { FuzzFailure } from './fuzz-target.ts';

const SHOWN_BYTES = 1024;

/** What broke, the input as hex digits and as text, and the command that shows it again. */
export function describeFailure({ target, what, input, again }: FuzzFailure): string {
  const shown = input?.subarray(0, SHOWN_BYTES);
  const lines = [
    `--- ${target}: ${what}`,
    ...(input === undefined || shown === undefined
      ? []
      : [
          `${input.length} bytes${shown.length < input.length ? `, the first ${shown.length}` : ''}`,
          `hex:  ${shown.toString('hex')}`,
          `text: ${JSON.stringify(shown.toString('latin1'))}`,
        ]),
    `again: npm run fuzz -- ${again.join(' ')}`,
  ];
  return lines.join('\n');
}
