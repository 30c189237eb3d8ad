import type { Config, DiskImageConfig } from '../config/config.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { Secret } from '../runtime/secret.ts';

const DEFAULT_FORMAT = 'qcow2';
const QCOW2_OPTIONS = 'compat=0.10';

/** The format in which a provider gets its disk images. */
export function formatOf(provider: { readonly imageType?: string }): string {
  return provider.imageType ?? DEFAULT_FORMAT;
}

/** The formats that the providers need of a disk image, and its own `formats`; never none. Sorted. */
export function neededFormats(diskimage: DiskImageConfig, config: Pick<Config, 'providers'>): readonly string[] {
  const users = config.providers.filter(({ images }) => images.some((image) => image.diskimage === diskimage.name));
  const formats = new Set([...users.map(formatOf), ...diskimage.formats]);
  return formats.size === 0 ? [DEFAULT_FORMAT] : [...formats].sort();
}

export type DibBuild = {
  readonly diskimage: DiskImageConfig;
  readonly formats: readonly string[];
  /** Path of the files to write, without their format. */
  readonly output: string;
};

/** The command line of a build (upstream: _buildImage). */
export function dibCommand({ diskimage, formats, output }: DibBuild): readonly string[] {
  const qemu = formats.includes('qcow2') ? ['--qemu-img-options', diskimage.qemuImgOptions ?? QCOW2_OPTIONS] : [];
  const options = ['-x', '-t', formats.join(','), '--no-tmpfs', ...qemu, '-o', output];
  return ['disk-image-create', ...options, ...diskimage.elements];
}

export type DibSurroundings = {
  readonly config: Pick<Config, 'elementsDir' | 'scriptDir'>;
  /** Of this process. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** Path that the files will have when they are finished, without their format. */
  readonly filename: string;
  /** All that diskimage-builder writes meanwhile. */
  readonly tempDir: string;
  /** Programs of ours that go before those of the system. */
  readonly programsDir: string;
  readonly account: { readonly name: string; readonly home: string };
};

/** Where the tools of a build are, which a daemon's PATH may lack. */
const SYSTEM_PATHS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/** Clouds' passwords, which no element needs and many would print. */
const KEPT_BACK = 'OS_';

/** The environment of a build: our own, upstream's variables, those of the operator, and what keeps the build in its folder. */
export function dibEnvironment(diskimage: DiskImageConfig, around: DibSurroundings): Record<string, string> {
  const { config, inherited, account } = around;
  const own = Object.entries(inherited).filter(([name, value]) => value !== undefined && !name.startsWith(KEPT_BACK));
  const asked: Record<string, string | undefined> = {
    // An init system sets neither, and diskimage-builder wants both.
    ...{ USER: account.name, HOME: account.home },
    ...Object.fromEntries(own),
    DIB_CHECKSUM: '1',
    DIB_RELEASE: diskimage.release,
    DIB_IMAGE_NAME: diskimage.name,
    DIB_IMAGE_FILENAME: around.filename,
    ...(config.elementsDir === undefined ? {} : { ELEMENTS_PATH: config.elementsDir }),
    ...(config.scriptDir === undefined ? {} : { NODEPOOL_SCRIPTDIR: config.scriptDir }),
    ...diskimage.envVars,
    ...revealed(diskimage.secretEnv ?? {}),
  };
  const PATH = [around.programsDir, ...programFolders(asked)].join(':');
  return definedOnly({ ...asked, PATH, TMP_DIR: around.tempDir, TMPDIR: around.tempDir });
}

/** Where a build looks for programs, given these variables. */
export function programFolders(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const own = (environment['PATH'] ?? '').split(':').filter((path) => path !== '');
  return [...new Set([...own, ...SYSTEM_PATHS])];
}

/** The folder in which the operator wants the temporary files of a build; undefined: beside the images. */
export function wantedTempDir(
  diskimage: Pick<DiskImageConfig, 'envVars'>,
  inherited: DibSurroundings['inherited'],
): string | undefined {
  const { TMP_DIR: own, TMPDIR: general } = diskimage.envVars;
  const wanted = own ?? general ?? inherited['TMP_DIR'];
  return wanted === '' ? undefined : wanted;
}

function revealed(secrets: Readonly<Record<string, Secret>>): Record<string, string> {
  return Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()]));
}
