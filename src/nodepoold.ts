/** The daemon: reads its options, builds the parts and runs them until told to stop. The only place with real clients. */
import { Command } from 'commander';
import { describeError } from './runtime/errors.ts';
import { daemonize, DaemonEndedError, tellRunning } from './assembly/daemonize.ts';
import { openLogging } from './assembly/open-logging.ts';
import { removePidFile } from './assembly/pid-file.ts';
import { runDaemon } from './assembly/run-daemon.ts';
import { VERSION } from './assembly/version.ts';
import { notEmpty } from './cli/not-empty.ts';
import { workerCount } from './cli/worker-count.ts';
import { systemClock } from './runtime/clock.ts';
import { systemRandomness } from './runtime/randomness.ts';
import { TaskBoard } from './runtime/task-board.ts';

export type DaemonOptions = {
  readonly config: string;
  readonly secure: string;
  readonly loggingConfig?: string;
  readonly pidfile: string;
  readonly foreground: boolean;
  readonly jsonLog: boolean;
  readonly check: boolean;
  readonly builder: boolean;
  readonly buildWorkers: number;
  readonly uploadWorkers: number;
  readonly deletes: boolean;
  readonly launches: boolean;
  readonly images: boolean;
  readonly webapp: boolean;
};

const program = new Command('nodepoold')
  .description('Keeps a pool of fresh cloud servers ready as build machines')
  .version(`Nodepool version: ${VERSION}`, '--version')
  .option('-c, --config <file>', 'configuration', notEmpty, '/etc/nodepool/nodepool.yaml')
  .option('-s, --secure <file>', 'secrets', notEmpty, '/etc/nodepool/secure.conf')
  .option('-d, --foreground', 'stay in the foreground', false)
  .option('-l, --logging-config <file>', 'Python logging configuration', notEmpty)
  .option('-p, --pidfile <file>', 'written when not in the foreground', notEmpty, '/var/run/nodepool/nodepool.pid')
  .option('--check', 'look at all that the daemon needs, say what is missing, and end', false)
  .option('--json-log', 'one JSON object per log line', false)
  .option('--no-builder', 'run no embedded image builder')
  .option('--build-workers <number>', 'builds of the embedded builder at once', workerCount, 1)
  .option('--upload-workers <number>', 'its uploads at once', workerCount, 4)
  .option('--no-deletes', 'leave deletions, events and checks to another daemon')
  .option('--no-launches', 'leave launches to another daemon')
  .option('--no-images', 'leave images to another daemon')
  .option('--no-webapp', 'serve no status pages')
  .parse();

const options = program.opts<DaemonOptions>();
try {
  process.exitCode = options.check ? await check() : options.foreground ? await run() : await start();
} catch (error) {
  const isSaid = error instanceof DaemonEndedError;
  tell(isSaid ? error.message : `nodepoold: ${describeError(error)}`);
  process.exitCode = isSaid ? error.status : 1;
}

async function run(): Promise<number> {
  try {
    const complain = options.loggingConfig === undefined ? {} : { complain: tell };
    return await runDaemon({ ...options, ...complain, onRunning: tellRunning }, openLogging(options, 'debug'));
  } finally {
    await removePidFile(options.pidfile, process.pid); // ours only where we were started in the background
  }
}

async function check(): Promise<number> {
  const { checkSetup } = await import('./assembly/setup-check/check-setup.ts');
  const stop = new AbortController();
  process.once('SIGINT', () => {
    stop.abort(new Error('Interrupted'));
  });
  const log = openLogging(options, 'error').logger('nodepool');
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(1); // who reads has seen enough, and we have not ended
    tell(`Cannot write to standard output: ${describeError(error)}`);
    process.exit(1);
  });
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const tasks = new TaskBoard(systemClock);
  return await checkSetup(
    options,
    { clock: systemClock, randomness: systemRandomness, log, tasks, print },
    stop.signal,
  );
}

async function start(): Promise<number> {
  await daemonize(options.pidfile, systemClock);
  return 0;
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
