import { defineCommand, UsageError } from '../command.ts';

export const db = defineCommand({
  name: 'db',
  summary: 'Stop the managed local database ("db stop"); the next program that needs it starts it again',
  positionals: [{ name: 'action', summary: '"stop"' }],
  async run({ positionals }, context) {
    const action = positionals['action'] ?? '';
    if (action !== 'stop') throw new UsageError(`Unknown action ${JSON.stringify(action)} of "db": use "stop"`);
    context.tell(
      (await context.stopManagedDatabase()) ? 'The managed database is stopped' : 'No managed database was running',
    );
    return '';
  },
});
