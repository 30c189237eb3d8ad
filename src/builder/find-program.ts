import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** Path of the first program of that name in these folders; undefined: there is none that we may run. */
export async function findProgram(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
