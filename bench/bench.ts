/** `npm run bench [-- TOPIC…]`: measures the budgets of the design and prints a table for each topic. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/runtime/clock.ts';
import { describeError } from '../src/runtime/errors.ts';
import { ALL_TOPICS } from './all-topics.ts';
import { type ApartOptions, MEASURE, measureApart, measureHere } from './measure-topic.ts';
import type { Measurement, Topic } from './measurement.ts';
import { measurementTable, missesBudget } from './measurement-table.ts';

const GIB = 2 ** 30;

type Order = ApartOptions & { readonly topics: readonly Topic[]; readonly runs: number };

const DEFAULT_MINUTES = '10';
const DEFAULT_MIB = '2048';

const [first, name = '', size, minutes = DEFAULT_MINUTES, mib = DEFAULT_MIB] = process.argv.slice(2);
if (first === MEASURE) {
  await measureHere(name, size === 'tiny' ? 'tiny' : 'full', { minutes: Number(minutes), mib: Number(mib) });
} else process.exitCode = await main();

/** Gives the exit status: 0 all measured and met, 1 a budget missed or a topic failed, 2 wrong words, 130 interrupted. */
async function main(): Promise<number> {
  const temporary = join(tmpdir(), 'np-bench-log-');
  const order = readOrder(() => mkdtempSync(temporary));
  if (typeof order === 'number') return order;
  const stopping = new AbortController();
  const stop = (): void => {
    stopping.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    return await measureAll(order, stopping.signal);
  } finally {
    if (order.logs.startsWith(temporary)) rmSync(order.logs, { recursive: true, force: true });
  }
}

function readOrder(temporaryFolder: () => string): Order | number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: 'string', default: '1' },
        minutes: { type: 'string', default: DEFAULT_MINUTES },
        mib: { type: 'string', default: DEFAULT_MIB },
        tiny: { type: 'boolean', default: false },
        logs: { type: 'string' },
        profile: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage());
      return 0;
    }
    const unknown = positionals.find((word) => ALL_TOPICS.every((topic) => topic.name !== word));
    if (unknown !== undefined) throw new Error(`There is no topic "${unknown}"`);
    const runs = numberIn(values.runs, { what: 'runs', most: 99 });
    const minutes = numberIn(values.minutes, { what: 'minutes', most: 99 });
    const mib = numberIn(values.mib, { what: 'MiB', most: 999_999 });
    const isWanted = ({ name: each, isLong }: Topic): boolean =>
      positionals.length === 0 ? isLong !== true : positionals.includes(each);
    const topics = ALL_TOPICS.filter(isWanted);
    const folders = { logs: values.logs ?? temporaryFolder(), profiles: values.profile };
    return { topics, size: values.tiny ? 'tiny' : 'full', runs, minutes, mib, ...folders };
  } catch (error) {
    process.stderr.write(`bench: ${describeError(error)}\n${usage()}`);
    return 2;
  }
}

/** @throws {Error} it is no number from 1 on */
function numberIn(text: string, { what, most }: { readonly what: string; readonly most: number }): number {
  if (!/^[1-9]\d*$/.test(text) || Number(text) > most) throw new Error(`Not a number of ${what}: "${text}"`);
  return Number(text);
}

async function measureAll(order: Order, signal: AbortSignal): Promise<number> {
  process.stdout.write(machine());
  let status = 0;
  for (const topic of order.topics) {
    process.stdout.write(`\n${topic.name}: ${topic.about}\n`);
    try {
      const runs = await measureOften(topic, order, signal);
      process.stdout.write(measurementTable(runs, order.size) + load());
      if (order.size === 'full' && missesBudget(runs)) status = 1;
    } catch (error) {
      if (signal.aborted) return 130;
      process.stderr.write(`bench: ${topic.name} failed: ${describeError(error)} (--logs FOLDER keeps its log)\n`);
      status = 1;
    }
  }
  return status;
}

async function measureOften(
  topic: Topic,
  { runs, ...options }: Order,
  signal: AbortSignal,
): Promise<readonly (readonly Measurement[])[]> {
  const measured: (readonly Measurement[])[] = [];
  for (let run = 0; run < runs; run += 1) measured.push(await measureApart(topic, options, signal));
  return measured;
}

function machine(): string {
  const [cpu] = cpus();
  const day = systemClock.now().toISOString().slice(0, 16).replace('T', ' ');
  const memory = `${Math.round(totalmem() / GIB)} GiB`;
  return `${day} UTC, ${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${memory}, Node ${process.version}\n${load()}`;
}

function load(): string {
  const words = loadavg().map((each) => each.toFixed(1));
  return `Load average: ${words.join(', ')} (the bench itself loads one to two cores)\n`;
}

function usage(): string {
  const topics = ALL_TOPICS.map(
    ({ name: each, about, isLong }) =>
      `  ${each.padEnd(12)} ${about}${isLong === true ? ' (long: only if named)' : ''}`,
  );
  return `Usage: npm run bench [-- [--runs N] [--logs FOLDER] [--profile FOLDER] [--minutes N] [--mib N] [--tiny] TOPIC…]
  --runs N          measure each topic so often; the table then gives the least, the median and the most
  --logs FOLDER     keep the log of each topic there
  --profile FOLDER  write a CPU profile of each topic's process there, for Chromium's developer tools
  --minutes N       how long to measure a long topic; default ${DEFAULT_MINUTES}
  --mib N           how large a file "upload" sends; default ${DEFAULT_MIB}
  --tiny            only see whether it works; the figures say nothing
Topics:
${topics.join('\n')}
`;
}
