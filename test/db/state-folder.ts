import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { watch } from 'node:fs/promises';
import { join } from 'node:path';
import { clusterOf } from '../../src/db/cluster-folder.ts';
import type { ManagedPostgresOptions } from '../../src/db/managed-postgres.ts';
import { ensureManagedPostgres, stopManagedPostgres } from '../../src/db/managed-postgres.ts';
import { findPostgresPrograms } from '../../src/db/postgres-programs.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import type { Secret } from '../../src/runtime/secret.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

/** Only for tests: a power cut may lose the database, and each of these waits for the disk. */
const FORGETFUL: Readonly<Partial<Record<string, string>>> = {
  initdb: 'REAL --no-sync "$@" && for data; do :; done && echo fsync=off >>"$data/postgresql.conf"',
};

/** A state directory for one test, whose server is ended and which is removed when disposed. */
export class StateFolder implements AsyncDisposable {
  readonly base: string;
  readonly path: string;
  readonly log = new RecordingLogger();
  readonly #deps = { clock: systemClock, randomness: systemRandomness, log: this.log };

  /** @param below folders to go down, for a long path */
  constructor(below = 'state') {
    this.base = mkdtempSync('/tmp/np-state-');
    chmodSync(this.base, 0o755); // Postgres may run as another user, who must get through
    this.path = join(this.base, below);
    mkdirSync(this.path, { recursive: true });
    const { user } = this.cluster;
    if (user !== undefined) chownSync(this.path, user.uid, user.gid); // so that programs can be run as that user
  }

  /** With a server that does not wait for the disk, unless other programs are given. */
  async ensure(options: Partial<ManagedPostgresOptions> = {}, signal = neverAborted): Promise<Secret> {
    const programsFolder = options.programsFolder ?? (await this.programsWith({}));
    return ensureManagedPostgres({ stateDir: this.path, programsFolder }, this.#deps, signal);
  }

  /** As Nodepool does it. */
  ensureDurable(): Promise<Secret> {
    return ensureManagedPostgres({ stateDir: this.path }, this.#deps, neverAborted);
  }

  stop(): Promise<boolean> {
    return stopManagedPostgres({ stateDir: this.path }, this.#deps, neverAborted);
  }

  get cluster(): ReturnType<typeof clusterOf> {
    return clusterOf(this.path);
  }

  /** The server's process. */
  get serverPid(): number {
    return Number(readFileSync(join(this.cluster.data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** Resolves when a file whose name begins with `name` is in the cluster's folder. */
  async untilMade(name: string): Promise<void> {
    const { folder } = this.cluster;
    mkdirSync(folder, { recursive: true });
    const changes = watch(folder)[Symbol.asyncIterator]();
    while (!readdirSync(folder).some((entry) => entry.startsWith(name))) await changes.next();
    await changes.return?.();
  }

  /** A folder of Postgres programs, of which some are shell scripts; `REAL` in them is the folder of the real ones. */
  async programsWith(scripts: Readonly<Record<string, string>>): Promise<string> {
    const real = await findPostgresPrograms({}, this.#deps, neverAborted);
    const folder = join(this.base, 'programs');
    mkdirSync(folder, { recursive: true });
    for (const name of ['initdb', 'pg_ctl', 'postgres']) {
      const script = scripts[name] ?? FORGETFUL[name] ?? 'exec REAL "$@"';
      const file = join(folder, name);
      writeFileSync(file, `#!/bin/sh\n${script.replaceAll('REAL', join(real, name))}\n`);
      chmodSync(file, 0o755);
    }
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { socketFolder, folder } = this.cluster;
    if (existsSync(folder)) await this.stop();
    rmSync(this.base, { recursive: true, maxRetries: 5, retryDelay: 50 });
    if (socketFolder !== folder) rmSync(socketFolder, { recursive: true, force: true });
  }
}
