/** The daemon: reads its options, builds the parts and runs them until told to stop. The only place with real clients. */
import { describeError } from './runtime/errors.ts';
import { openLogging } from './assembly/open-logging.ts';
import { exitStatusOf, type ProgramOptions, runLasting } from './assembly/program-frame.ts';
import { runDaemon } from './assembly/run-daemon.ts';
import { VERSION } from './assembly/version.ts';
import { lastingProgram } from './cli/lasting-program.ts';
import { workerCount } from './cli/worker-count.ts';
import { systemClock } from './runtime/clock.ts';
import { systemRandomness } from './runtime/randomness.ts';
import { TaskBoard } from './runtime/task-board.ts';

type DaemonOptions = ProgramOptions & {
  readonly config: string;
  readonly secure: string;
  readonly check: boolean;
  readonly builder: boolean;
  readonly buildWorkers: number;
  readonly uploadWorkers: number;
  readonly deletes: boolean;
  readonly launches: boolean;
  readonly images: boolean;
  readonly webapp: boolean;
};

const options = lastingProgram('nodepoold', {
  description: 'Keeps a pool of fresh cloud servers ready as build machines',
  version: VERSION,
  pidfile: '/var/run/nodepool/nodepool.pid',
})
  .option('--check', 'look at all that the daemon needs, say what is missing, and end', false)
  .option('--no-builder', 'run no embedded image builder')
  .option('--build-workers <number>', 'builds of the embedded builder at once', workerCount, 1)
  .option('--upload-workers <number>', 'its uploads at once', workerCount, 4)
  .option('--no-deletes', 'leave deletions, events and checks to another daemon')
  .option('--no-launches', 'leave launches to another daemon')
  .option('--no-images', 'leave images to another daemon')
  .option('--no-webapp', 'serve no status pages')
  .parse()
  .opts<DaemonOptions>();

process.exitCode = await exitStatusOf('nodepoold', () =>
  options.check ? check() : runLasting(options, (starter, logging) => runDaemon({ ...options, ...starter }, logging)),
);

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

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
