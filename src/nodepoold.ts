/** The daemon: reads its options, builds the parts and runs them until told to stop. The only place with real clients. */
import { Command } from 'commander';
import { describeError } from './runtime/errors.ts';
import { daemonize } from './assembly/daemonize.ts';
import { openLogging } from './assembly/open-logging.ts';
import { runDaemon } from './assembly/run-daemon.ts';
import { VERSION } from './assembly/version.ts';

export type DaemonOptions = {
  readonly config: string;
  readonly secure: string;
  readonly loggingConfig?: string;
  readonly pidfile: string;
  readonly foreground: boolean;
  readonly jsonLog: boolean;
  readonly builder: boolean;
  readonly deletes: boolean;
  readonly launches: boolean;
  readonly images: boolean;
  readonly webapp: boolean;
};

const program = new Command('nodepoold')
  .description('Keeps a pool of fresh cloud servers ready as build machines')
  .version(`Nodepool version: ${VERSION}`, '--version')
  .option('-c, --config <file>', 'configuration', '/etc/nodepool/nodepool.yaml')
  .option('-s, --secure <file>', 'secrets', '/etc/nodepool/secure.conf')
  .option('-d, --foreground', 'stay in the foreground', false)
  .option('-l, --logging-config <file>', 'Python logging configuration')
  .option('-p, --pidfile <file>', 'written when not in the foreground', '/var/run/nodepool/nodepool.pid')
  .option('--json-log', 'one JSON object per log line', false)
  .option('--no-builder', 'run no embedded image builder')
  .option('--no-deletes', 'leave deletions, events and checks to another daemon')
  .option('--no-launches', 'leave launches to another daemon')
  .option('--no-images', 'leave images to another daemon')
  .option('--no-webapp', 'serve no status pages')
  .parse();

const options = program.opts<DaemonOptions>();
try {
  if (options.foreground) process.exitCode = await runDaemon(options, openLogging(options, 'debug'));
  else await daemonize(options.pidfile);
} catch (error) {
  process.stderr.write(`nodepoold: ${describeError(error)}\n`);
  process.exitCode = 1;
}
