import type { KnownDaemon } from '../../node/daemon-store.ts';
import { defineCommand } from '../command.ts';
import { renderTable } from '../render-table.ts';
import { tellOfFreeze } from '../tell-of-freeze.ts';

export const daemonList = defineCommand({
  name: 'daemon-list',
  summary: 'List the daemons that work on the database, and which of them leads what',
  options: [{ flags: '--all', summary: 'also those that ended within the last day, and why' }],
  async run({ options }, context) {
    const { daemons } = await context.stores();
    const all = await daemons.list();
    await tellOfFreeze(context);
    if (options['all'] === true) {
      const rows = all.map((each) => [...rowOf(each), endOf(each)]);
      return renderTable([...HEADER, 'Ended'], rows);
    }
    return renderTable(HEADER, all.filter(({ endedAt }) => endedAt === undefined).map(rowOf));
  },
});

const HEADER = ['Daemon', 'Host', 'PID', 'Version', 'Started (UTC)', 'Heard of', 'Does', 'Leads'];

function rowOf(daemon: KnownDaemon): readonly (string | number)[] {
  const { number, host, pid, version, startedAt, silentMs, roles, leads } = daemon;
  const heard = `${Math.max(0, Math.round(silentMs / 1000))} s ago`;
  return [number, host, pid, version, timeText(startedAt), heard, listText(roles), listText(leads)];
}

function endOf({ endedAt, endedWhy }: KnownDaemon): string {
  return endedAt === undefined ? '-' : `${timeText(endedAt)}: ${endedWhy ?? 'nobody said why'}`;
}

function timeText(time: Date): string {
  return time.toISOString().replace('T', ' ').slice(0, 19);
}

function listText(words: readonly string[]): string {
  return words.length === 0 ? '-' : words.join(', ');
}
