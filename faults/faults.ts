/** `npm run faults [-- --peer P --mode M --seconds N]`: lets each peer fail in each way, and looks what else goes on. */
import { parseArgs } from 'node:util';
import { writeFileSync } from 'node:fs';
import { describeError } from '../src/runtime/errors.ts';
import { FaultFarm } from './fault-farm.ts';
import { FaultLoad } from './fault-load.ts';
import { FAULT_MODES, type FaultMode } from './faulty-proxy.ts';
import { canFail, type Peer, PEERS } from './proxies.ts';
import { cutEvents } from './cut-events.ts';
import { type Fault, type FaultReport, runFault, untilFull } from './run-fault.ts';

type Order = {
  readonly faults: readonly Fault[];
  /** How long to cut the build events off while 15 jobs run; 0: not. */
  readonly cutEventsMs: number;
  readonly log: string | undefined;
  readonly verbose: boolean;
};

process.exitCode = await main();

/** Gives the exit status: 0 all as promised, 1 something was not, 2 wrong words, 130 interrupted. */
async function main(): Promise<number> {
  const order = readOrder();
  if (typeof order === 'number') return order;
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      stopping.abort(new Error('Interrupted'));
    });
  }
  try {
    return await runAll(order, stopping.signal);
  } catch (error) {
    process.stderr.write(`faults: ${describeError(error)}\n`);
    return stopping.signal.aborted ? 130 : 1;
  }
}

async function runAll({ faults, cutEventsMs, log, verbose }: Order, signal: AbortSignal): Promise<number> {
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

function readOrder(): Order | number {
  try {
    const { values } = parseArgs({
      options: {
        peer: { type: 'string', default: PEERS.join(',') },
        mode: { type: 'string', default: FAULT_MODES.join(',') },
        fault: { type: 'string', multiple: true },
        'cut-events': { type: 'boolean', default: false },
        seconds: { type: 'string', default: '60' },
        log: { type: 'string' },
        verbose: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(usage());
      return 0;
    }
    if (!/^[1-9]\d{0,4}$/.test(values.seconds)) throw new Error(`Not a number of seconds: "${values.seconds}"`);
    const ms = 1000 * Number(values.seconds);
    const pairs = values.fault?.map((word) => word.split(':')) ?? all(values.peer.split(','), values.mode.split(','));
    const faults = pairs.map(([peer = '', mode = '']) => ({ peer: peerOf(peer), mode: modeOf(mode), ms }));
    const { log, verbose } = values;
    const possible = faults.filter(({ peer, mode }) => canFail(peer, mode));
    return values['cut-events']
      ? { faults: [], cutEventsMs: ms, log, verbose }
      : { faults: possible, cutEventsMs: 0, log, verbose };
  } catch (error) {
    process.stderr.write(`faults: ${describeError(error)}\n${usage()}`);
    return 2;
  }
}

function all(peers: readonly string[], modes: readonly string[]): readonly (readonly string[])[] {
  return peers.flatMap((peer) => modes.map((mode) => [peer, mode]));
}

function peerOf(word: string): Peer {
  const peer = PEERS.find((each) => each === word);
  if (peer === undefined) throw new Error(`There is no peer "${word}"`);
  return peer;
}

function modeOf(word: string): FaultMode {
  const mode = FAULT_MODES.find((each) => each === word);
  if (mode === undefined) throw new Error(`There is no mode "${word}"`);
  return mode;
}

function usage(): string {
  return `Usage: npm run faults -- [--peer P] [--mode M] [--seconds N]
  --peer P        ${PEERS.join(', ')}; several with commas; default all
  --mode M        ${FAULT_MODES.join(', ')}; several with commas; default all that the peer can have
  --fault P:M     this peer in this mode and no other; may be given several times
  --cut-events    instead: no build event arrives while 15 jobs at a time start and end
  --seconds N     how long each fault lasts; default 60
  --verbose       print how often the daemon complained of what
  --log FILE      write there what the daemon said
`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
