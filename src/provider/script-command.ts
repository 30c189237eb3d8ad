import type { QuoteForShell } from './remote-machine.ts';

/** Where scripts lie on a machine (upstream: /opt/nodepool-scripts). */
export const SCRIPT_FOLDER = '/opt/nodepool-scripts';

export type ScriptCall = {
  /** File under /opt/nodepool-scripts. */
  readonly script: string;
  /** The machine's name. */
  readonly argument: string;
  /** Variables `NODEPOOL_*`. */
  readonly environment: Readonly<Record<string, string>>;
};

/** The shell line that runs an operator's script (upstream: runReadyScript). Everything in it is quoted. */
export function scriptCommand(call: ScriptCall, quote: QuoteForShell): string {
  const variables = Object.entries(call.environment)
    .filter(([name]) => /^[A-Za-z_]\w*$/.test(name)) // no shell takes other names
    .map(([name, value]) => `${name}=${quote(value)} `);
  return `cd ${SCRIPT_FOLDER} && ${variables.join('')}${quote(`./${call.script}`)} ${quote(call.argument)}`;
}
