import type { HistoryEntry, HistoryStore } from '../../node/history-store.ts';
import { defineCommand, UsageError } from '../command.ts';
import { parseId } from '../find-node.ts';
import { printable } from '../printable.ts';
import { renderTable } from '../render-table.ts';

export const history = defineCommand({
  name: 'history',
  summary: 'Show what happened to a node, when, why and by whom; also after it is gone',
  positionals: [{ name: 'id', summary: 'the node, or with an option what that says' }],
  options: [
    { flags: '--image', summary: 'the id is that of an image' },
    { flags: '--dib-image', summary: 'the id is that of a build of a disk image' },
  ],
  async run({ positionals, options }, context) {
    const stores = await context.stores();
    const isImage = options['image'] === true;
    const isBuild = options['dibImage'] === true;
    if (isImage && isBuild) throw new UsageError('Give one of --image and --dib-image');
    const subject = isBuild ? 'dib-image' : isImage ? 'image' : 'node';
    const text = positionals['id'] ?? '';
    const entries = await read(text, subject, stores.history);
    if (entries.length === 0) throw new UsageError(`There is no history of ${subject} ${text}`);
    const rows = entries.map((entry) => [
      timeText(entry.at),
      entry.event,
      entry.from ?? '',
      entry.to ?? '',
      entry.who,
      isConsole(entry) ? `The ${entry.why.split('\n').length} last lines of its console are below` : entry.why,
    ]);
    const table = renderTable(['Time (UTC)', 'Event', 'From', 'To', 'Who', 'Why'], rows);
    const consoles = entries.filter(isConsole);
    return [table, ...consoles.map(({ at, why }) => `Console at ${timeText(at)} UTC:\n${printable(why)}\n`)].join('\n');
  },
});

function timeText(at: Date): string {
  return at.toISOString().replace('T', ' ').slice(0, 19);
}

/** Too long for a cell. */
function isConsole({ event }: HistoryEntry): boolean {
  return event === 'console';
}

async function read(
  text: string,
  subject: HistoryEntry['subject'],
  store: HistoryStore,
): Promise<readonly HistoryEntry[]> {
  return await store.list(subject, parseId(text, `There is no history of ${subject} ${JSON.stringify(text)}`));
}
