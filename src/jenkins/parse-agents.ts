import * as z from 'zod';
import type { Agent } from '../node/agents.ts';
import { listOf } from '../runtime/list-of.ts';

/** The fields of a computer that `parseAgent` needs, as Jenkins' parameter `tree`. */
export const COMPUTER_FIELDS =
  'displayName,idle,offline,temporarilyOffline,offlineCauseReason,offlineCause[_class],assignedLabels[name],' +
  'executors[idle,currentExecutable[url,number]]';

const Executor = z.object({ idle: z.boolean().optional(), currentExecutable: z.unknown().optional() });

const Computer = z.object({
  _class: z.string().optional(),
  displayName: z.string(),
  idle: z.boolean(),
  offline: z.boolean(),
  temporarilyOffline: z.boolean().default(false),
  offlineCauseReason: z.string().nullish(),
  assignedLabels: listOf(z.object({ name: z.string() })).default([]),
  executors: listOf(Executor).default([]),
});

const ComputerSet = z.object({ computer: listOf(Computer) });

/** One computer. @throws {z.ZodError} a needed field is missing */
export function parseAgent(json: unknown): Agent {
  return toAgent(Computer.parse(json));
}

/** All computers but the built-in one, which is no agent. @throws {z.ZodError} a needed field is missing */
export function parseAgents(json: unknown): readonly Agent[] {
  return ComputerSet.parse(json)
    .computer.filter((computer) => computer._class?.endsWith('$MasterComputer') !== true)
    .map(toAgent);
}

function toAgent(computer: z.output<typeof Computer>): Agent {
  return {
    nodename: computer.displayName,
    offline: computer.offline,
    temporarilyOffline: computer.temporarilyOffline,
    offlineReason: computer.offlineCauseReason ?? '',
    busy: !computer.idle || computer.executors.some(isBusy),
    labels: computer.assignedLabels.map((label) => label.name),
  };
}

function isBusy(executor: z.output<typeof Executor>): boolean {
  return executor.idle === false || (executor.currentExecutable ?? null) !== null;
}
