import type { HistoryEntry, HistoryStore } from '../../node/history-store.ts';
import { defineCommand, UsageError } from '../command.ts';
import { parseId } from '../find-node.ts';
import { renderTable } from '../render-table.ts';

export const history = defineCommand({
  name: 'history',
  summary: 'Show what happened to a node, when, why and by whom; also after it is gone',
  positionals: [{ name: 'id', summary: 'the node, or with --image the image' }],
  options: [{ flags: '--image', summary: 'the id is that of an image' }],
  async run({ positionals, options }, context) {
    const stores = await context.stores();
    const subject = options['image'] === true ? 'image' : 'node';
    const text = positionals['id'] ?? '';
    const entries = await read(text, subject, stores.history);
    if (entries.length === 0) throw new UsageError(`There is no history of ${subject} ${text}`);
    const rows = entries.map((entry) => [
      entry.at.toISOString().replace('T', ' ').slice(0, 19),
      entry.event,
      entry.from ?? '',
      entry.to ?? '',
      entry.who,
      entry.why,
    ]);
    return renderTable(['Time (UTC)', 'Event', 'From', 'To', 'Who', 'Why'], rows);
  },
});

async function read(
  text: string,
  subject: HistoryEntry['subject'],
  store: HistoryStore,
): Promise<readonly HistoryEntry[]> {
  return await store.list(subject, parseId(text, `There is no history of ${subject} ${JSON.stringify(text)}`));
}
