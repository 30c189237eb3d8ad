import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type HostMode, UnfitMachineError } from './host-mode.ts';
import { runProgram } from './run-program.ts';

export type BaseImageOptions = {
  /** Where built root file systems are kept for later farms. Default: see `defaultCacheFolder`. */
  readonly cacheDir?: string;
  /** Debian or Ubuntu suite. Default: the host's own. */
  readonly suite?: string;
  /** File with apt sources. Default: the host's own. */
  readonly aptSources?: string;
  /** Packages besides those an instance needs. */
  readonly packages?: readonly string[];
};

/** What an instance needs, and what setup scripts take for granted in Debian's cloud images. */
const PACKAGES = ['openssh-server', 'sudo', 'iproute2', 'ca-certificates'];

/** /var/cache/nodepool-devfarm for root, else below $XDG_CACHE_HOME or ~/.cache. */
export function defaultCacheFolder(): string {
  if (process.getuid?.() === 0) return '/var/cache/nodepool-devfarm';
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'nodepool-devfarm');
}

/**
 * The tar of a small Debian with an sshd, made by mmdebstrap from the host's apt sources, or found in the cache: it is
 * the same for every mode and state folder. Needs the network where it is not in the cache (half a minute), so
 * call it before a network namespace of our own is entered. Starters at once wait for the first.
 * @throws {UnfitMachineError} mmdebstrap is missing
 */
export async function ensureBaseTar(options: BaseImageOptions, mode: HostMode, signal?: AbortSignal): Promise<string> {
  const recipe = await writeRecipe(options);
  const cache = options.cacheDir ?? defaultCacheFolder();
  const tar = join(cache, `rootfs-${recipe.suite}-${recipe.key}.tar`);
  if (await exists(tar)) return tar;
  await runProgram({ argv: ['which', 'mmdebstrap'], purpose: 'find mmdebstrap', timeoutMs: 5000 }).catch(() => {
    throw new UnfitMachineError('Cannot build a root file system: the program mmdebstrap is missing (Debian package)');
  });
  await mkdir(cache, { recursive: true });
  const build = ['sh', '-ec', BUILD_ONCE, 'build', tar, recipe.sources, ...mmdebstrap(recipe, mode)];
  await runProgram({
    // The lock is inherited: it is held as long as any process of the build lives.
    argv: [...boxFor(mode), 'flock', `${tar}.lock`, ...build],
    purpose: 'build a root file system',
    timeoutMs: 900_000,
    signal,
  });
  return tar;
}

// The tar is written aside and appears whole.
const BUILD_ONCE = `
tar=$1 sources=$2
shift 2
[ ! -s "$tar" ] || exit 0
trap 'rm -f "$tar.part"' EXIT
"$@" "$tar.part" "$sources"
mv "$tar.part" "$tar"
`;

/** A mount and pid namespace of its own: a killed build leaves no mount and no process behind. */
function boxFor(mode: HostMode): readonly string[] {
  if (mode.kind === 'rootless') return []; // mmdebstrap makes its own
  return ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
}

type Recipe = {
  readonly suite: string;
  readonly sources: string;
  readonly options: readonly string[];
  readonly key: string;
};

async function writeRecipe(options: BaseImageOptions): Promise<Recipe> {
  const suite = options.suite ?? (await hostSuite());
  const sources = options.aptSources ?? (await hostSources());
  const packages = [...PACKAGES, ...(options.packages ?? [])].join(',');
  const arguments_ = ['--variant=minbase', `--include=${packages}`, ...SMALL, ...HOOKS];
  // Whatever changes the outcome changes the name, so an older devfarm's file is never mistaken for this one.
  const facts = JSON.stringify([suite, await readFile(sources, 'utf8'), arguments_, process.arch]);
  const key = createHash('sha256').update(facts).digest('hex').slice(0, 12);
  return { suite, sources, options: arguments_, key };
}

const SMALL = [
  '--dpkgopt=path-exclude=/usr/share/doc/*',
  '--dpkgopt=path-include=/usr/share/doc/*/copyright',
  '--dpkgopt=path-exclude=/usr/share/man/*',
  '--dpkgopt=path-exclude=/usr/share/locale/*',
  '--aptopt=Acquire::Languages "none"',
];
// The user of Debian's cloud images. Host keys are made at an instance's first boot.
const HOOKS = [
  '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_*',
  '--customize-hook=chroot "$1" useradd --create-home --shell /bin/bash debian',
  '--customize-hook=echo "debian ALL=(ALL) NOPASSWD:ALL" >"$1"/etc/sudoers.d/90-devfarm',
];

function mmdebstrap(recipe: Recipe, mode: HostMode): readonly string[] {
  const how = mode.kind === 'rootless' ? 'unshare' : 'root';
  return ['mmdebstrap', '--quiet', `--mode=${how}`, '--format=tar', ...recipe.options, recipe.suite];
}

async function hostSuite(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => ''); // not even a Linux we know
  const suite = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(release)?.[1];
  if (suite === undefined) throw new UnfitMachineError('Cannot tell the suite from /etc/os-release: name one');
  return suite;
}

/** Where apt looks: the distribution's own file first, then the one of old, then whatever a provider left. */
async function hostSources(): Promise<string> {
  const folder = '/etc/apt/sources.list.d';
  const others = (await readdir(folder).catch(() => [])).filter((name) => /[.](sources|list)$/.test(name)).sort();
  const known = [`${folder}/debian.sources`, `${folder}/ubuntu.sources`, '/etc/apt/sources.list'];
  for (const file of [...known, ...others.map((name) => join(folder, name))])
    if (await namesAnArchive(file)) return file;
  throw new UnfitMachineError('Cannot find apt sources in /etc/apt: this host is no Debian or Ubuntu; name a file');
}

/** An empty /etc/apt/sources.list is common, and so are files that name one vendor's packages only. */
async function namesAnArchive(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => ''); // there is none
  return /^(deb |types:.*deb)/im.test(text) && /\bmain\b/.test(text);
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
