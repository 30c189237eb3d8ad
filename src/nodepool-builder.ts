/** The image builder alone: reads its options and runs until told to stop. It needs no database. */
import { Command } from 'commander';
import { describeError } from './runtime/errors.ts';
import { daemonize, DaemonEndedError, tellRunning } from './assembly/daemonize.ts';
import { openLogging } from './assembly/open-logging.ts';
import { removePidFile } from './assembly/pid-file.ts';
import { runBuilderProgram } from './assembly/run-builder-program.ts';
import { VERSION } from './assembly/version.ts';
import { notEmpty } from './cli/not-empty.ts';
import { workerCount } from './cli/worker-count.ts';
import { systemClock } from './runtime/clock.ts';

type BuilderOptions = {
  readonly config: string;
  readonly secure: string;
  readonly loggingConfig?: string;
  readonly pidfile: string;
  readonly foreground: boolean;
  readonly jsonLog: boolean;
  readonly buildWorkers: number;
  readonly uploadWorkers: number;
};

const program = new Command('nodepool-builder')
  .description('Builds disk images and uploads them to clouds, as nodepoold asks for them')
  .version(`Nodepool version: ${VERSION}`, '--version')
  .option('-c, --config <file>', 'configuration', notEmpty, '/etc/nodepool/nodepool.yaml')
  .option('-s, --secure <file>', 'secrets', notEmpty, '/etc/nodepool/secure.conf')
  .option('-d, --foreground', 'stay in the foreground', false)
  .option('-l, --logging-config <file>', 'Python logging configuration', notEmpty)
  .option(
    '-p, --pidfile <file>',
    'written when not in the foreground',
    notEmpty,
    '/var/run/nodepool-builder/nodepool-builder.pid',
  )
  .option('--build-workers <number>', 'builds at once', workerCount, 1)
  .option('--upload-workers <number>', 'uploads at once', workerCount, 4)
  .option('--json-log', 'one JSON object per log line', false)
  .parse();

const options = program.opts<BuilderOptions>();
try {
  process.exitCode = options.foreground ? await run() : await start();
} catch (error) {
  const isSaid = error instanceof DaemonEndedError;
  tell(isSaid ? error.message : `nodepool-builder: ${describeError(error)}`);
  process.exitCode = isSaid ? error.status : 1;
}

async function run(): Promise<number> {
  try {
    const complain = options.loggingConfig === undefined ? {} : { complain: tell };
    const logging = openLogging(options, 'debug');
    return await runBuilderProgram({ ...options, ...complain, onRunning: tellRunning }, logging);
  } finally {
    await removePidFile(options.pidfile, process.pid); // ours only where we were started in the background
  }
}

async function start(): Promise<number> {
  await daemonize(options.pidfile, systemClock);
  return 0;
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
