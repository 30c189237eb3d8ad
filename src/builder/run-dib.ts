import { userInfo } from 'node:os';
import { buildLogPlace } from '../config/build-log-place.ts';
import { BuildLog } from '../runtime/build-log.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Secret } from '../runtime/secret.ts';
import { runBoxed } from './boxed-program.ts';
import type { DiskImageBuildDeps, PlannedBuild } from './disk-image-build.ts';
import { BuildOutput } from './build-output.ts';
import { dibCommand, dibEnvironment, programFolders } from './dib-command.ts';
import { findProgram } from './find-program.ts';
import type { Scratch } from './scratch.ts';

/** A build that has its folders. */
export type DibRun = PlannedBuild & {
  readonly scratch: Scratch;
  /** Path of the files to write, without their format. */
  readonly output: string;
};

/**
 * Runs diskimage-builder to its end.
 * @throws {Error} it failed; the message ends with the last lines of its output
 * @throws {DeadlineExceededError} it took longer than `build-timeout`
 */
export async function runDib(run: DibRun, deps: DiskImageBuildDeps, signal: AbortSignal): Promise<void> {
  const { diskimage, formats, scratch, output } = run;
  const env = environmentOf(run, deps);
  const hasVhdUtil = (await findProgram('vhd-util', programFolders(env))) !== undefined;
  if (formats.includes('vhd') && !hasVhdUtil) await scratch.addVhdUtil();
  await using file = await openLog(run);
  const said = new BuildOutput({ log: outputLog(run, deps), write: async (line) => file?.write(line) }, secretsOf(run));
  const argv = dibCommand({ diskimage, formats, output });
  const onOutput = async (chunk: Buffer): Promise<void> => {
    crashPoint('dib-runs');
    await said.take(chunk);
  };
  const status = await withinTimeout(run, { clock: deps.clock, signal }, (until) =>
    runBoxed({ argv, env, onOutput }, deps, until),
  ).finally(() => said.end());
  if (status === 0) return;
  const end = status === undefined ? 'was killed' : `ended with status ${status}`;
  throw new Error(
    `disk-image-create ${end} for ${diskimage.name}: ${said.tail === '' ? 'it said nothing' : said.tail}`,
  );
}

/** Waits for the program's end also when it was killed: else its folder would be removed under it. */
async function withinTimeout<T>(
  { diskimage }: DibRun,
  deps: { readonly clock: Clock; readonly signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = { what: `diskimage-builder to build "${diskimage.name}"`, ms: diskimage.buildTimeoutMs };
  let running: Promise<T> | undefined;
  try {
    return await withDeadline(deadline, deps, (until) => {
      running = work(until);
      return running;
    });
  } finally {
    await running?.catch(() => undefined); // the deadline, or thrown already
  }
}

async function openLog({ config, diskimage, dibImageId }: DibRun): Promise<BuildLog | undefined> {
  const place = buildLogPlace(config);
  if (place === undefined) return undefined;
  return await BuildLog.open({ name: diskimage.name, number: dibImageId }, place);
}

function environmentOf(
  { config, diskimage, filename, scratch }: DibRun,
  deps: DiskImageBuildDeps,
): Record<string, string> {
  const { username: name, homedir: home } = userInfo();
  return dibEnvironment(diskimage, {
    config,
    inherited: deps.environment,
    filename,
    tempDir: scratch.temp,
    programsDir: scratch.programs,
    account: { name, home },
  });
}

function outputLog({ diskimage }: DibRun, { log }: DiskImageBuildDeps): Logger {
  return log.child('image').child('build').child(diskimage.name);
}

function secretsOf({ diskimage }: DibRun): readonly Secret[] {
  return Object.values(diskimage.secretEnv ?? {});
}
