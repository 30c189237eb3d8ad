/** `npm run bench [-- TOPIC…]`: measures every budget of the design and prints them as one table. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderTable } from '../src/cli/render-table.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { describeError } from '../src/runtime/errors.ts';
import { ALL_TOPICS } from './all-topics.ts';
import type { Measurement, Topic } from './measurement.ts';

const [first, ...rest] = process.argv.slice(2);
const RUNNER = join('scripts', 'run-ts.js');

if (first === '--measure') await measureHere(rest[0] ?? '');
else if (first === '--help' || first === '-h') print(usage());
else await measureAll([...(first === undefined ? [] : [first]), ...rest]);

/** In this process; the parent prints. */
async function measureHere(name: string): Promise<void> {
  const topic = ALL_TOPICS.find((each) => each.name === name);
  if (topic === undefined) throw new Error(`There is no topic "${name}"`);
  process.send?.(await topic.run(new AbortController().signal));
  process.disconnect();
}

async function measureAll(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => ALL_TOPICS.every((topic) => topic.name !== name));
  if (unknown !== undefined) {
    process.stderr.write(`bench: there is no topic "${unknown}"\n${usage()}`);
    process.exitCode = 2;
    return;
  }
  const topics = names.length === 0 ? ALL_TOPICS : ALL_TOPICS.filter(({ name }) => names.includes(name));
  print(machine());
  const rows: (readonly string[])[] = [];
  for (const topic of topics) {
    process.stderr.write(`${topic.name}: ${topic.about} …\n`);
    rows.push(
      ...(await measureApart(topic)).map((row) => [topic.name, row.what, row.measured, row.budget, row.verdict]),
    );
  }
  print(renderTable(['Topic', 'What', 'Measured', 'Budget', 'Verdict'], rows));
  print(load());
  if (rows.some((row) => row.includes('MISSED') || row.includes('FAILED'))) process.exitCode = 1;
}

/** In a process of its own: no topic inherits another's memory, sockets and warm code. */
async function measureApart(topic: Topic): Promise<readonly Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), 'np-bench-log-'));
  const path = join(folder, `${topic.name}.log`);
  const log = openSync(path, 'a');
  const child = fork(RUNNER, ['bench/bench.ts', '--measure', topic.name], { stdio: ['ignore', log, log, 'ipc'] });
  let measured: readonly Measurement[] | undefined;
  child.on('message', (message) => {
    measured = message as readonly Measurement[]; // what `measureHere` sends
  });
  await once(child, 'exit');
  closeSync(log);
  if (measured === undefined) {
    const tail = readFileSync(path, 'utf8').split('\n').slice(-15).join('\n');
    process.stderr.write(`${topic.name} failed, see ${path}\n${tail}\n`);
    return [{ what: 'could not be measured', measured: '', budget: '', verdict: 'FAILED' }];
  }
  rmSync(folder, { recursive: true });
  return measured;
}

function machine(): string {
  const [cpu] = cpus();
  const day = systemClock.now().toISOString().slice(0, 16).replace('T', ' ');
  return `${day} UTC, ${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, Node ${process.version}\n${load()}`;
}

function load(): string {
  const words = loadavg().map((each) => each.toFixed(1));
  return `Load average: ${words.join(', ')} (the bench itself loads one to two cores)\n`;
}

function usage(): string {
  const topics = ALL_TOPICS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`);
  return `Usage: npm run bench [-- TOPIC…]\n${topics.join('\n')}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}

process.on('unhandledRejection', (error) => {
  process.stderr.write(`${describeError(error)}\n`);
  process.exit(1);
});
