/** The daemon, but for SSH, in a process of its own. */
import { setMaxListeners } from 'node:events';
import { openDatabase } from '../../src/db/database.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { BenchDaemon } from './bench-daemon.ts';
import { benchDeps } from './bench-deps.ts';
import { farmConfig, type FarmSize } from './farm-text.ts';
import { optionsFromParent, serveParent } from './serve-parent.ts';

export type DaemonProcessOptions = { readonly databaseUrl: string; readonly farm: FarmSize };

const { databaseUrl, farm } = optionsFromParent() as DaemonProcessOptions; // the parent is our own program
const { signal } = new AbortController();
setMaxListeners(0, signal);
const url = new Secret(databaseUrl);
const database = await openDatabase({ url, program: 'nodepoold' }, benchDeps(), signal);
const daemon = new BenchDaemon(farmConfig(farm), database);

serveParent('ready', {
  /** Keeps so many nodes of each label ready. */
  demand: (minReady) => {
    daemon.use(farmConfig({ ...farm, minReady: Number(minReady) }));
  },
});
