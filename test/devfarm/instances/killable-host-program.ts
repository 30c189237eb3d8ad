// An instance host in a process of its own, so that a test can kill it. Takes its options as JSON in the first argument
// and orders as JSON lines on stdin; answers each with a JSON line.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { InstanceHost } from '../../../devfarm/instances/instance-host.ts';
import { asError } from '../../../src/runtime/errors.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';

const Options = z.object({
  stateDir: z.string(),
  network: z.string(),
  port: z.int().optional(),
  cacheDir: z.string().optional(),
});
const Order = z.object({
  verb: z.enum(['build', 'boot', 'snapshot', 'import', 'files', 'destroy']),
  argument: z.string(),
  key: z.string().default(''),
});

async function obey(host: InstanceHost, line: string): Promise<string> {
  const { verb, argument, key } = Order.parse(JSON.parse(line));
  switch (verb) {
    case 'build':
      return (await host.buildRootfs(argument)).name;
    case 'boot': {
      const { id } = await host.create({ image: 'base', name: argument, authorizedKeys: [key] });
      await host.start(id);
      await host.waitForSsh(id);
      return id;
    }
    case 'snapshot':
      return (await host.snapshot(argument, `of-${argument}`)).name;
    case 'import':
      return (await host.importDisk('uploaded', { file: argument, format: 'raw', digest: 'one' })).name;
    case 'files':
      return (
        await Promise.all(
          ['layers', 'images', 'instances'].map(async (room) => await readdir(join(host.stateDir, room))),
        )
      )
        .flat()
        .sort()
        .join(' ');
    case 'destroy':
      await host.destroyAll();
      return 'destroyed';
  }
}

async function main(): Promise<void> {
  const answer = (facts: object): void => void process.stdout.write(`${JSON.stringify(facts)}\n`);
  const { port, cacheDir, ...options } = Options.parse(JSON.parse(process.argv[2] ?? '{}'));
  const optional = {
    ...(port === undefined ? {} : { port }),
    ...(cacheDir === undefined ? {} : { baseImage: { cacheDir } }),
  };
  const host = await InstanceHost.open({ ...options, ...optional }, { log: new RecordingLogger() });
  answer({ kind: host.mode.kind, port: host.port });
  createInterface(process.stdin).on('line', (line) => {
    obey(host, line).then(
      (result) => {
        answer({ result });
      },
      (error: unknown) => {
        answer({ error: asError(error).message });
      },
    );
  });
}

await main().catch((error: unknown) => {
  process.stdout.write(`${JSON.stringify({ error: asError(error).message })}\n`);
  process.exitCode = 1;
});
