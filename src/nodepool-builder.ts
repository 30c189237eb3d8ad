/** The image builder alone: reads its options and runs until told to stop. It needs no database. */
import { exitStatusOf, type ProgramOptions, runLasting } from './assembly/program-frame.ts';
import { runBuilderProgram } from './assembly/run-builder-program.ts';
import { VERSION } from './assembly/version.ts';
import { lastingProgram } from './cli/lasting-program.ts';
import { workerCount } from './cli/worker-count.ts';

type BuilderOptions = ProgramOptions & {
  readonly config: string;
  readonly secure: string;
  readonly buildWorkers: number;
  readonly uploadWorkers: number;
};

const options = lastingProgram('nodepool-builder', {
  description: 'Builds disk images and uploads them to clouds, as nodepoold asks for them',
  version: VERSION,
  pidfile: '/var/run/nodepool-builder/nodepool-builder.pid',
})
  .option('--build-workers <number>', 'builds at once', workerCount, 1)
  .option('--upload-workers <number>', 'uploads at once', workerCount, 4)
  .parse()
  .opts<BuilderOptions>();

process.exitCode = await exitStatusOf('nodepool-builder', () =>
  runLasting(options, (starter, logging) => runBuilderProgram({ ...options, ...starter }, logging)),
);
