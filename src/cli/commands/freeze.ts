import { describeFreeze } from '../../node/freeze-store.ts';
import { defineCommand } from '../command.ts';

export const freeze = defineCommand({
  name: 'freeze',
  summary: 'Begin no launch and no deletion until "thaw"; what is under way ends, jobs run on',
  options: [{ flags: '--reason <text>', summary: 'why, for other operators' }],
  async run({ options }, context) {
    const { farmFreeze } = await context.stores();
    const reason = options['reason'];
    const before = await farmFreeze.find();
    const cause = { who: `cli:${context.user}`, why: typeof reason === 'string' ? reason : 'Frozen by an operator' };
    // Without a reason, one that another operator gave stays.
    const isTold = before !== undefined && typeof reason !== 'string';
    context.tell(describeFreeze(isTold ? before : await farmFreeze.freeze(cause)));
    return '';
  },
});

export const thaw = defineCommand({
  name: 'thaw',
  summary: 'Launch and delete again after "freeze"',
  async run(_args, context) {
    const { farmFreeze } = await context.stores();
    context.tell((await farmFreeze.thaw()) ? 'The farm is no longer frozen' : 'The farm was not frozen');
    return '';
  },
});
