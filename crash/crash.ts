/**
 * `npm run crash [-- --seed S] [--rounds N] [--victim V]`: kills parts of a busy farm and looks what is lost or left. With
 * `--images`: parts of one that makes disk images.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FARM_POINTS } from '../src/runtime/crash-point.ts';
import { describeError } from '../src/runtime/errors.ts';
import { systemRandomness } from '../src/runtime/randomness.ts';
import { crashImages } from './images/crash-images.ts';
import { type CrashOrder, type CrashReport, runCrashes, type Turn } from './run-crashes.ts';
import { VICTIMS } from './victims.ts';
import { untilInterrupted } from './rig/until-interrupted.ts';

type Words = CrashOrder & {
  /** Where what the daemons said is written; absent: nowhere. */
  readonly log: string | undefined;
};

process.exitCode = process.argv.includes('--images') ? await crashImages() : await main();

/** Gives the exit status: 0 all promises kept, 1 one was not, 2 wrong words, 130 interrupted. */
async function main(): Promise<number> {
  const order = readOrder();
  if (typeof order === 'number') return order;
  const signal = untilInterrupted();
  say(`Seed ${order.seed}, ${wordsOf(order.turns)}`);
  try {
    const report = await runCrashes(order, say, signal);
    if (order.log !== undefined) writeFileSync(order.log, report.logs.join('\n'));
    if (signal.aborted) return 130;
    tell(report, order);
    return report.broken.length === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`crash: ${describeError(error)}\n`);
    return signal.aborted ? 130 : 1;
  }
}

function tell(report: CrashReport, order: CrashOrder): void {
  const { kills, jobs, attempts, reused, reaped, leftovers, reached, seconds } = report;
  for (const line of report.broken) say(`BROKEN: ${line}`);
  const points = order.turns.some(({ victim }) => victim === 'points')
    ? `, ${reached.size} of ${FARM_POINTS.length} points reached`
    : '';
  say(
    `${kills} kills, ${jobs} jobs in ${attempts} submissions, ${report.broken.length} promises broken, ` +
      `${leftovers} leaks and stuck rows, ${reaped} leaks reaped by cleanup, ${reused} nodes used twice as foreseen` +
      `${points}, ${seconds} s`,
  );
  const missed = FARM_POINTS.filter((point) => !reached.has(point));
  if (points !== '' && missed.length > 0) say(`Points not reached: ${missed.join(', ')}`);
  if (report.broken.length > 0) {
    say(`Again: npm run crash -- --seed ${order.seed} --victim ${wordsOf(order.turns)} --jobs ${order.atATime}`);
  }
}

function readOrder(): Words | number {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        rounds: { type: 'string', default: '100' },
        victim: { type: 'string', default: 'daemon' },
        jobs: { type: 'string', default: '10' },
        log: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage());
      return 0;
    }
    const turns = readTurns(values.victim, values.rounds);
    const atATime = readNumber(values.jobs, 'jobs');
    return { seed: values.seed ?? systemRandomness.hex(4), turns, atATime, log: values.log };
  } catch (error) {
    process.stderr.write(`crash: ${describeError(error)}\n${usage()}`);
    return 2;
  }
}

/** In the order of VICTIMS: later ones stand on what the earlier ones left. @throws {Error} it names no victim, or no number */
function readTurns(words: string, rounds: string): readonly Turn[] {
  const asked = new Map(words.split(',').map((word) => [word.split(':')[0] ?? '', word.split(':')[1] ?? rounds]));
  for (const [name, number] of asked) {
    if (name !== 'all' && VICTIMS.every((each) => each !== name)) throw new Error(`There is no victim "${name}"`);
    readNumber(number, 'rounds');
  }
  return VICTIMS.flatMap((victim) => {
    const number = asked.get(victim) ?? asked.get('all');
    return number === undefined ? [] : [{ victim, rounds: Number(number) }];
  });
}

/** @throws {Error} it is no number from 1 to 99999 */
function readNumber(text: string, what: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Error(`Not a number of ${what}: "${text}"`);
  return Number(text);
}

function wordsOf(turns: readonly Turn[]): string {
  return turns.map(({ victim, rounds }) => `${victim}:${rounds}`).join(',');
}

function usage(): string {
  return `Usage: npm run crash -- [--victim V] [--rounds N] [--seed S]
  --victim V    ${VICTIMS.join(', ')}, or all; several with commas, in turn; default daemon.
                V:N is N kills of that one
  --rounds N    kills of each victim; default 100
  --jobs N      jobs under way at a time; default 10
  --seed S      the same kills and jobs as another run with that seed; default: a fresh one, which is printed
  --log FILE    writes there what the daemons said
  --images      kills parts of a farm that makes disk images instead; --images --help
`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
