/** devfarm: a cloud, a Jenkins and a gearmand on one machine, for a farm without either. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../src/runtime/clock.ts';
import { describePlainly } from '../src/runtime/describe-plainly.ts';
import { describeError } from '../src/runtime/errors.ts';
import type { Logger } from '../src/runtime/logger.ts';
import { plainLogging } from '../src/runtime/logging/plain-logging.ts';
import { findRunning, mendFarm, networkOf, runningFarm, startFarm, stopFarm } from './farm/farm-control.ts';
import { existingFarmFolder, FarmError, type FarmFolder, type FarmState } from './farm/farm-folder.ts';
import { ensureGearmand, findGearmand } from './farm/gearmand.ts';
import { serveFarm } from './farm/serve-farm.ts';

const log = loggerOf('info');

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return; // who reads has seen enough; what was asked for is done
  process.stderr.write(`devfarm: Cannot write to standard output: ${describeError(error)}\n`);
  process.exitCode = 1;
});

type FarmFlags = { readonly state: string; readonly machines: boolean };

const program = new Command('devfarm')
  .description('A cloud, a Jenkins and a gearmand on this machine')
  .enablePositionalOptions();

farmCommand('up', 'start the farm in the background, or take over one that was killed').action((flags: FarmFlags) =>
  run('start the farm', async () => {
    const folder = folderOf(flags);
    const running = findRunning(folder);
    const lacksGearmand = running !== undefined && findGearmand(folder) === undefined;
    if (lacksGearmand) await mendFarm(folder, running);
    else await startFarm(folder, { machines: flags.machines, argv: serveWords(flags) });
    print(describeFarm(folder, runningFarm(folder)));
  }),
);

farmCommand('serve', 'run the farm in the foreground').action((flags: FarmFlags) =>
  run('serve the farm', async () => {
    const stopped = new Promise((resolve_) => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, resolve_);
    });
    const folder = folderOf(flags);
    const farm = await serveFarm(folder, flags, log);
    process.on('SIGHUP', () => {
      ensureGearmand(folder).catch((error: unknown) => {
        log.error('gearmand cannot be started again', { error });
      });
    });
    log.info('The farm is up', { process: process.pid });
    await stopped;
    await farm.close();
  }),
);

farmCommand('down', 'end the farm and remove all of it').action((flags: FarmFlags) =>
  run('end the farm', () => stopFarm(folderOf(flags), loggerOf('warn'))),
);

farmCommand('status', 'show what runs and where').action((flags: FarmFlags) =>
  run('look at the farm', () => {
    const folder = folderOf(flags);
    print(describeFarm(folder, runningFarm(folder)));
    if (findGearmand(folder) === undefined) throw new FarmError('gearmand has ended: "devfarm up" starts it again');
    return Promise.resolve();
  }),
);

farmCommand('run', 'run a command in the network of the farm')
  .argument('<command...>')
  .passThroughOptions()
  .action((command: readonly string[], flags: FarmFlags) =>
    run('join the farm', () => runInNetwork(folderOf(flags), command)),
  );

await program.parseAsync();

function loggerOf(level: 'info' | 'warn'): Logger {
  return plainLogging({ level, json: false }, systemClock).logger('devfarm');
}

function farmCommand(name: string, summary: string): Command {
  return program
    .command(name)
    .description(summary)
    .option('--state <folder>', 'where the farm lives', notEmpty, '/var/tmp/nodepool-devfarm')
    .option('--no-machines', 'servers without machines behind them, for load tests');
}

/** @throws {InvalidArgumentError} a shell's variable that has no value would mean the current folder */
function notEmpty(value: string): string {
  if (value === '') throw new InvalidArgumentError('It is empty');
  return value;
}

function folderOf(flags: FarmFlags): FarmFolder {
  return existingFarmFolder(resolve(flags.state));
}

function serveWords(flags: FarmFlags): readonly string[] {
  const script = process.argv[1] ?? '';
  return [script, 'serve', '--state', resolve(flags.state), ...(flags.machines ? [] : ['--no-machines'])];
}

async function runInNetwork(folder: FarmFolder, command: readonly string[]): Promise<void> {
  const { prefix } = await networkOf(folder);
  const [first = '', ...rest] = [...prefix, ...command];
  const child = spawn(first, rest, { stdio: 'inherit' });
  process.exitCode = await new Promise<number>((resolve_, reject) => {
    child.once('error', (error) => {
      const reason = describePlainly(error, `run "${first}"`);
      reject(new FarmError(reason, { cause: error }));
    });
    child.once('exit', (status) => {
      resolve_(status ?? 1);
    });
  });
}

function describeFarm(folder: FarmFolder, state: FarmState): string {
  return `devfarm is up in ${folder.root} (process ${state.pid})
  keystone     ${state.authUrl}
  jenkins      ${state.jenkinsUrl}
  zeromq       ${state.zmqEndpoint}
  gearmand     127.0.0.1:${state.gearmanPort}${findGearmand(folder) === undefined ? ' (ended)' : ''}
  machines     ${state.machines ? `sshd on port ${state.sshPort} of their own loopback addresses` : 'none'}
  nodepool     ${folder.nodepool}/nodepool.yaml`;
}

async function run(purpose: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`devfarm: ${error instanceof FarmError ? error.message : describePlainly(error, purpose)}\n`);
    process.exitCode = 1;
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
