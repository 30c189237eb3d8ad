/** `npm run faults [-- --peer P --mode M | --cloud] [--seconds N]`: lets peers fail in many ways, and looks what else goes on. */
import { writeFileSync } from 'node:fs';
import { describeError } from '../src/runtime/errors.ts';
import { FaultFarm } from './fault-farm.ts';
import { FaultLoad } from './fault-load.ts';
import { runCloudFaults } from './cloud/run-cloud-faults.ts';
import { cutEvents } from './cut-events.ts';
import { type FaultOrder, readFaultOrder, usage } from './fault-order.ts';
import { type FaultReport, runFault, untilFull } from './run-fault.ts';
import { untilInterrupted } from '../crash/rig/until-interrupted.ts';

process.exitCode = await main();

/** Gives the exit status: 0 all as promised, 1 something was not, 2 wrong words, 130 interrupted. */
async function main(): Promise<number> {
  const order = readOrder();
  if (typeof order === 'number') return order;
  const signal = untilInterrupted();
  try {
    const isOfClouds = order.cloudFaults.length > 0;
    return await (isOfClouds ? runOfClouds : runAll)(order, signal);
  } catch (error) {
    process.stderr.write(`faults: ${describeError(error)}\n`);
    return signal.aborted ? 130 : 1;
  }
}

async function runOfClouds({ cloudFaults: names, ms }: FaultOrder, signal: AbortSignal): Promise<number> {
  const broken = await runCloudFaults(
    { names, ms },
    (name, report) => {
      say(`${name}: ${report.facts}`);
      for (const line of report.broken) say(`  BROKEN: ${line}`);
    },
    signal,
  );
  say(`${names.length} faults of clouds, ${ms / 1000} s, ${broken} broken`);
  return broken === 0 ? 0 : 1;
}

async function runAll({ faults, cutEventsMs, log, verbose }: FaultOrder, signal: AbortSignal): Promise<number> {
  await using farm = await FaultFarm.start();
  try {
    await using load = new FaultLoad(farm.gearmanPort);
    const missing = await untilFull(farm, load, signal);
    if (missing.length > 0) throw new Error(`The farm does not come up: ${missing.join(', ')}`);
    let broken = 0;
    for (const fault of faults) {
      const report = await runFault(fault, { farm, load }, signal);
      broken += report.broken.length;
      tell(report, verbose);
    }
    if (cutEventsMs > 0) {
      const { facts, broken: lines } = await cutEvents(cutEventsMs, { farm, load }, signal);
      broken += lines.length;
      say(`build events cut off, ${cutEventsMs / 1000} s: ${facts}`);
      for (const line of lines) say(`  BROKEN: ${line}`);
    }
    say(`${faults.length} faults, ${load.jobs.length} jobs, ${broken} broken`);
    return broken === 0 ? 0 : 1;
  } finally {
    if (log !== undefined) writeFileSync(log, farm.daemon.lines.join('\n'));
  }
}

function tell({ fault, facts, broken, complaints }: FaultReport, verbose: boolean): void {
  say(`${fault.peer} ${fault.mode}, ${fault.ms / 1000} s: ${facts}`);
  for (const line of broken) say(`  BROKEN: ${line}`);
  if (verbose) for (const [text, count] of complaints) say(`  ${count} × ${text}`);
}

function readOrder(): FaultOrder | number {
  try {
    const order = readFaultOrder(process.argv.slice(2));
    if (order === undefined) process.stdout.write(usage());
    return order ?? 0;
  } catch (error) {
    process.stderr.write(`faults: ${describeError(error)}\n${usage()}`);
    return 2;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
