/** `npm run fuzz -- --minutes N [--seed S] [TARGET…]`: throws bytes at everything that reads what others wrote. */
import { parseArgs } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { systemClock } from '../src/runtime/clock.ts';
import { describeError } from '../src/runtime/errors.ts';
import { systemRandomness } from '../src/runtime/randomness.ts';
import { ALL_TARGETS } from './all-targets.ts';
import { describeFailure } from './describe-failure.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { runApart, runHere } from './run-apart.ts';
import { faultOf } from './run-bytes.ts';

const MINUTE_MS = 60_000;

type Order = {
  readonly targets: readonly FuzzTarget[];
  readonly seed: string;
  readonly from: number;
  readonly maxInputs: number;
  readonly minutes: number;
  /** Only this one, as hex digits. */
  readonly input: string | undefined;
};

if (isMainThread) process.exitCode = await main();
else await runHere();

/** Gives the exit status: 0 nothing was found, 1 something was, 2 wrong words. */
async function main(): Promise<number> {
  const order = readOrder();
  if (typeof order === 'number') return order;
  const stopping = new AbortController();
  process.once('SIGINT', () => {
    stopping.abort(new Error('Interrupted'));
  });
  if (order.input !== undefined) return await feedOne(order.targets, Buffer.from(order.input, 'hex'));
  const ms = (order.minutes * MINUTE_MS) / order.targets.length;
  say(`Seed ${order.seed}, ${order.targets.length} targets, ${Math.round(ms / 1000)} s each`);
  let status = 0;
  for (const target of order.targets) {
    const outcome = await runApart(new URL(import.meta.url), { ...order, target, ms }, stopping.signal);
    say(`${target.name.padEnd(20)} ${String(outcome.inputs).padStart(9)} inputs  ${outcome.failure ? 'FAILED' : 'ok'}`);
    if (outcome.failure === undefined) continue;
    say(describeFailure(outcome.failure));
    status = 1;
  }
  return status;
}

async function feedOne(targets: readonly FuzzTarget[], input: Buffer): Promise<number> {
  for (const target of targets) {
    if (target.kind !== 'bytes') continue;
    const what = await faultOf(target, input, { clock: systemClock });
    await target.close?.();
    say(`${target.name}: ${what ?? 'ok'}`);
    if (what !== undefined) return 1;
  }
  return 0;
}

function readOrder(): Order | number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        minutes: { type: 'string', default: '1' },
        seed: { type: 'string' },
        from: { type: 'string', default: '0' },
        inputs: { type: 'string', default: '1000000000' },
        input: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage());
      return 0;
    }
    const unknown = positionals.find((word) => ALL_TARGETS.every(({ name }) => name !== word));
    if (unknown !== undefined) throw new Error(`There is no target "${unknown}"`);
    const targets =
      positionals.length === 0 ? ALL_TARGETS : ALL_TARGETS.filter(({ name }) => positionals.includes(name));
    const [minutes, from, maxInputs] = [values.minutes, values.from, values.inputs].map(Number);
    if (!(minutes !== undefined && minutes > 0)) throw new Error(`Not a number of minutes: "${values.minutes}"`);
    const seed = values.seed ?? systemRandomness.hex(4);
    return { targets, seed, from: from ?? 0, maxInputs: maxInputs ?? 1, minutes, input: values.input };
  } catch (error) {
    process.stderr.write(`fuzz: ${describeError(error)}\n${usage()}`);
    return 2;
  }
}

function usage(): string {
  const targets = ALL_TARGETS.map(({ name, about }) => `  ${name.padEnd(20)} ${about}`);
  return `Usage: npm run fuzz -- [--minutes N] [--seed S] [TARGET…]
  --minutes N   for all targets together; default 1
  --seed S      the same inputs as another run with that seed; default: a fresh one, which is printed
  --from N      begin with the input of that number
  --inputs N    at most so many inputs for each target
  --input HEX   feed this one only
Targets:
${targets.join('\n')}
`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
