import type { ProviderConfig } from '../config/config.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import { describeError } from '../runtime/errors.ts';
import { chosenProviders } from './chosen-providers.ts';
import { type CommandClouds, type CommandContext, IncompleteError } from './command.ts';
import { renderTable } from './render-table.ts';
import { describeCloudWait, PATIENCE_MS, tellOfWait } from './tell-of-wait.ts';

type Row = readonly (string | undefined)[];

/** A table of what the clouds hold and our tables do not. */
export type AlienTable = {
  readonly header: readonly string[];
  /** The provider to look at; all where it is absent. */
  readonly provider: string | undefined;
  readonly rowsOf: (cloud: CloudProvider, provider: ProviderConfig) => Promise<readonly Row[]>;
};

/** What was heard of one provider; without rows it did not answer. */
type Answer = { readonly provider: string; readonly rows: readonly Row[] | undefined };

/**
 * Asks all providers at once. One that does not answer is told of. After a few seconds it is said who is waited for, and the
 * others' table is printed; what comes later makes a second one.
 * @throws {IncompleteError} one did not answer
 */
export async function renderAliens(table: AlienTable, context: CommandContext, signal: AbortSignal): Promise<string> {
  const providers = chosenProviders(table.provider, await context.config());
  await using clouds = await context.openClouds();
  const heard = new Map<string, Answer>();
  const all = Promise.all(
    providers.map(async (provider) => {
      const answer = ask(provider, { table, clouds, context }, signal);
      heard.set(provider.name, await tellOfWait(answer, describeCloudWait(provider), context));
    }),
  );
  await atMost(PATIENCE_MS, all, context);
  const answersOf = ({ name }: ProviderConfig): readonly Answer[] =>
    [heard.get(name)].filter((each) => each !== undefined);
  const early = providers.flatMap(answersOf);
  const isSplit = early.length < providers.length && early.some(({ rows }) => rows !== undefined);
  const render = (answers: readonly Answer[]): string =>
    renderTable(
      table.header,
      answers.flatMap(({ rows = [] }) => rows),
    );
  if (isSplit) context.print(render(early));
  await all;
  const answers = providers.flatMap(answersOf);
  const late = answers.filter((answer) => !early.includes(answer) && (answer.rows ?? []).length > 0);
  const text = !isSplit ? render(answers) : late.length > 0 ? render(late) : '';
  const unreachable = answers.filter(({ rows }) => rows === undefined).map(({ provider }) => provider);
  if (unreachable.length > 0)
    throw new IncompleteError(`Not all is shown: ${unreachable.join(', ')} did not answer`, text);
  return text;
}

type Asking = { readonly table: AlienTable; readonly clouds: CommandClouds; readonly context: CommandContext };

async function ask(provider: ProviderConfig, asking: Asking, signal: AbortSignal): Promise<Answer> {
  const { table, clouds, context } = asking;
  const { name } = provider;
  const cloud = clouds.find(name);
  if (cloud === undefined) return { provider: name, rows: [] };
  try {
    return { provider: name, rows: await table.rowsOf(cloud, provider) };
  } catch (error) {
    signal.throwIfAborted();
    context.tell(`Cannot list provider ${name}: ${describeError(error)}`);
    return { provider: name, rows: undefined };
  }
}

/** Resolves with `work`, or when the time is over. */
async function atMost(ms: number, work: Promise<unknown>, { clock }: CommandContext): Promise<void> {
  const done = new AbortController();
  const patience = clock.sleep(ms, done.signal).catch(() => undefined); // done in time
  await Promise.race([work, patience]).finally(() => {
    done.abort();
  });
}
