import type { ConfigComplaint } from '../cli/command.ts';
import { formatFault } from '../config/config-fault.ts';
import { parseConfig } from '../config/parse-config.ts';
import { exposedFiles } from './exposed-files.ts';
import { hostWarnings } from './host-warnings.ts';
import { databaseFault } from './open-state.ts';
import { type ConfigFiles, readConfigFiles } from './read-config-files.ts';

/**
 * All that is wrong or doubtful with the configuration, and with what it names on this host.
 * @throws {UnreadableConfigError} a file cannot be read, or there is no nodepool.yaml
 */
export async function complaintsOf(files: ConfigFiles): Promise<readonly ConfigComplaint[]> {
  const { config, faults, warnings } = parseConfig(await readConfigFiles(files));
  const database = config === undefined ? undefined : databaseFault(config);
  const host = config === undefined ? [] : await hostWarnings(config);
  const exposed = await exposedFiles(files.secure);
  return [
    ...[...faults, ...(database === undefined ? [] : [database])].map(
      (fault) => ({ severity: 'error', text: formatFault(fault) }) as const,
    ),
    ...[...[...warnings, ...host].map(formatFault), ...exposed].map(
      (text) => ({ severity: 'warning', text: `warning: ${text}` }) as const,
    ),
  ];
}
