import { describeError } from '../../src/runtime/errors.ts';
import { runCommand } from '../../test/cli/run-command.ts';
import { FakeCommandContext } from '../../test/fakes/fake-command-context.ts';
import type { LogEntry } from '../../test/fakes/recording-logger.ts';
import type { CloudFaultFarm } from './cloud-fault-farm.ts';

/** Where an operator looks: `nodepool info`, `nodepool history` of the provider's nodes, the log from `info` on. */
export type Place = 'info' | 'history' | 'log';

/** The places that show a line with such words now. */
export async function placesWith(words: RegExp | undefined, farm: CloudFaultFarm): Promise<readonly Place[]> {
  if (words === undefined) return [];
  const texts: Readonly<Record<Place, readonly string[]>> = {
    info: await infoLines(farm),
    history: await historyLines(farm),
    log: farm.parts.log.entries.filter(({ level }) => level !== 'debug').map(lineOf),
  };
  const places = ['info', 'history', 'log'] as const;
  return places.filter((place) => texts[place].some((line) => words.test(line)));
}

/** Complaints about an answer that lack the provider or the id by which its operators find the request. */
export function unclearLines(farm: CloudFaultFarm): readonly string[] {
  const lines = farm.parts.log.entries.filter(({ level }) => level === 'warn' || level === 'error').map(lineOf);
  return lines.filter((line) => /got status \d+/.test(line) && !/"(sick|well)" got status \d+ \(req-/.test(line));
}

/** As the log shows it. */
export function lineOf({ message, facts }: LogEntry): string {
  const { error, ...others } = facts;
  const rest = Object.entries(others).map(([key, value]) => `${key}=${String(value)}`);
  return [message, ...rest, ...(error === undefined ? [] : [`error=${describeError(error)}`])].join(' ');
}

async function infoLines({ clock, parts }: CloudFaultFarm): Promise<readonly string[]> {
  const { database, config } = parts;
  const context = Object.assign(new FakeCommandContext(), {
    clock,
    config: () => Promise.resolve(config),
    stores: () => Promise.resolve(database),
  });
  return (await runCommand(['info', 'sick'], context)).split('\n');
}

async function historyLines({ parts }: CloudFaultFarm): Promise<readonly string[]> {
  const rows = await parts.tables.query<{ why: string }>("select why from history where subject = 'node'");
  return rows.map(({ why }) => why);
}
