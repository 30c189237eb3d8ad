import { posix } from 'node:path';

export type CloudFileCandidates = {
  readonly clouds: readonly string[];
  readonly secure: readonly string[];
  readonly publicClouds: readonly string[];
};

type Environment = Readonly<Record<string, string | undefined>>;

const SUFFIXES = ['yaml', 'yml', 'json'];

/** Where os-client-config looks for each of its files; of each list the first file that exists is the one. */
export function cloudFileCandidates(environment: Environment, cwd: string, home: string): CloudFileCandidates {
  const folders = foldersOf(environment, cwd, home);
  return {
    clouds: [...named(environment['OS_CLIENT_CONFIG_FILE']), ...filesIn(folders, 'clouds')],
    secure: [...named(environment['OS_CLIENT_SECURE_FILE']), ...filesIn(folders, 'secure')],
    publicClouds: filesIn(folders, 'clouds-public'),
  };
}

function foldersOf(environment: Environment, cwd: string, home: string): readonly string[] {
  const userHome = posix.join(home, '.config');
  const user = orElse(environment['XDG_CONFIG_HOME'], userHome);
  const site = orElse(environment['XDG_CONFIG_DIRS'], '/etc/xdg')
    .split(':')
    .filter((folder) => folder !== '');
  const openstack = [user, userHome, ...site, '/etc'].map((folder) => posix.join(folder, 'openstack'));
  return [...new Set([cwd, ...openstack])];
}

function filesIn(folders: readonly string[], name: string): readonly string[] {
  return folders.flatMap((folder) => SUFFIXES.map((suffix) => posix.join(folder, `${name}.${suffix}`)));
}

function named(file: string | undefined): readonly string[] {
  return file === undefined || file === '' ? [] : [file];
}

function orElse(value: string | undefined, preset: string): string {
  return value === undefined || value === '' ? preset : value;
}
