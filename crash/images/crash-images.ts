import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError } from '../../src/runtime/errors.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { IMAGE_VICTIMS, type ImageVictim, MATRIX, type Moment, MOMENTS } from './moments.ts';
import { type ImageCrashOrder, type ImageCrashReport, runImageCrashes } from './run-image-crashes.ts';
import { untilInterrupted } from '../rig/until-interrupted.ts';

type Words = ImageCrashOrder & { readonly log: string | undefined };

/** `npm run crash -- --images`. Gives the exit status: 0 all promises kept, 1 one was not, 2 wrong words, 130 interrupted. */
export async function crashImages(): Promise<number> {
  const order = readOrder();
  if (typeof order === 'number') return order;
  const signal = untilInterrupted();
  say(`Seed ${order.seed}, ${order.victims.join(',')}, ${order.rounds} kills of each`);
  try {
    const report = await runImageCrashes(order, say, signal);
    keepLog(report, order);
    if (signal.aborted) return 130;
    tell(report, order);
    return report.broken.length + report.missed === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`crash: ${describeError(error)}\n`);
    return signal.aborted ? 130 : 1;
  }
}

function tell({ kills, missed, builds, broken, seconds }: ImageCrashReport, { seed, victims, rounds }: Words): void {
  for (const line of broken) say(`BROKEN: ${line}`);
  say(
    `${kills} kills, ${missed} moments missed, ${builds} builds begun, ${broken.length} promises broken, ${seconds} s`,
  );
  if (broken.length > 0) {
    say(`Again: npm run crash -- --images --seed ${seed} --victim ${victims.join(',')} --rounds ${rounds}`);
  }
}

/** Where a promise was broken, what our programs said is kept in any case. */
function keepLog({ logs, broken }: ImageCrashReport, { log, seed }: Words): void {
  const path = log ?? (broken.length > 0 ? join(tmpdir(), `crash-images-${seed}.log`) : undefined);
  if (path === undefined) return;
  writeFileSync(path, `${[...logs, ...broken].join('\n')}\n`);
  if (log === undefined) say(`What the programs said: ${path}`);
}

function readOrder(): Words | number {
  try {
    const { values } = parseArgs({
      options: {
        images: { type: 'boolean' },
        seed: { type: 'string' },
        rounds: { type: 'string' },
        victim: { type: 'string', default: 'all' },
        at: { type: 'string' },
        log: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage());
      return 0;
    }
    const moments = values.at === undefined ? undefined : chosen(values.at, { names: MOMENTS, what: 'moment' });
    return {
      ...{ seed: values.seed ?? systemRandomness.hex(4), log: values.log },
      victims: chosen(values.victim, { names: IMAGE_VICTIMS, what: 'victim' }),
      rounds: readNumber(values.rounds ?? String(moments?.length ?? MATRIX.builder.length)),
      ...(moments !== undefined && { moments }),
    };
  } catch (error) {
    process.stderr.write(`crash: ${describeError(error)}\n${usage()}`);
    return 2;
  }
}

/** @throws {Error} one of the words is no such name */
function chosen<Name extends ImageVictim | Moment>(
  words: string,
  { names, what }: { readonly names: readonly Name[]; readonly what: string },
): readonly Name[] {
  if (words === 'all') return names;
  return words.split(',').map((word) => {
    const name = names.find((each) => each === word);
    if (name === undefined) throw new Error(`There is no ${what} "${word}"`);
    return name;
  });
}

/** @throws {Error} it is none */
function readNumber(rounds: string): number {
  if (!/^[1-9]\d{0,4}$/.test(rounds)) throw new Error(`Not a number of rounds: "${rounds}"`);
  return Number(rounds);
}

function usage(): string {
  return `Usage: npm run crash -- --images [--victim V] [--rounds N] [--at MOMENT] [--seed S]
  --victim V    ${IMAGE_VICTIMS.join(', ')}, or all; several with commas, in turn; default all
  --rounds N    kills of each victim; default 5: those of the matrix. Further ones are at random moments
  --at MOMENT   at this moment instead; several with commas, or all:
                ${MOMENTS.join(', ')}
  --seed S      the same moments as another run with that seed; default: a fresh one, which is printed
  --log FILE    writes there what our programs said
`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
