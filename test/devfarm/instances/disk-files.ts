import { chmod, chown, link, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

const SECTOR = 512;
const FIRST_SECTOR = 2048;
const SIZE_MIB = 8;

/** Files with the same small root file system, in all forms that uploads have; it cannot be booted. */
export class DiskFiles {
  readonly #folder: string;
  readonly #tree: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#tree = join(folder, 'tree');
  }

  static async make(folder: string): Promise<DiskFiles> {
    const files = new DiskFiles(folder);
    await mkdir(join(files.#tree, 'usr/sbin'), { recursive: true });
    await mkdir(join(files.#tree, 'home'));
    const sudo = join(files.#tree, 'usr/sudo');
    await writeFile(join(files.#tree, 'usr/sbin/sshd'), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(sudo, 'one file\n');
    await chmod(sudo, 0o4755);
    await link(sudo, join(files.#tree, 'usr/sudoedit'));
    await writeFile(join(files.#tree, 'home/mark'), 'made\n');
    await chown(join(files.#tree, 'home/mark'), 1234, 567);
    return files;
  }

  /** The bare file system, of this tree or of another one. */
  async raw(tree = this.#tree, sizeMib = SIZE_MIB): Promise<string> {
    const file = this.#path('raw');
    await rm(file, { force: true });
    await execa('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', tree, file, `${sizeMib}M`]);
    return file;
  }

  /** A disk with two partitions, the larger of which is the root file system. */
  async partitioned(): Promise<string> {
    const file = this.#path('partitioned');
    const sectors = (SIZE_MIB * 2 ** 20) / SECTOR;
    await execa('dd', [`if=${await this.raw()}`, `of=${file}`, `bs=${SECTOR}`, `seek=${FIRST_SECTOR}`]);
    const table = Buffer.alloc(SECTOR);
    table.set(partition(34, 100), 446);
    table.set(partition(FIRST_SECTOR, sectors), 446 + 16);
    table.writeUInt16BE(0x55aa, 510);
    const handle = await open(file, 'r+');
    await handle.write(table, 0, SECTOR, 0);
    await handle.close();
    return file;
  }

  /** In another format of qemu-img. */
  async converted(format: string): Promise<string> {
    const file = this.#path(format);
    await execa('qemu-img', ['convert', '-f', 'raw', '-O', format, await this.raw(), file]);
    return file;
  }

  async tar(): Promise<string> {
    const file = this.#path('tar');
    await execa('tar', ['-C', this.#tree, '-czf', file, '.']);
    return file;
  }

  /** A file system with no sshd in it. */
  async withoutSshd(): Promise<string> {
    return await this.raw(join(this.#tree, 'home'));
  }

  async text(): Promise<string> {
    const file = this.#path('text');
    await writeFile(file, 'This is no disk\n'.repeat(10_000));
    return file;
  }

  #path(name: string): string {
    return join(this.#folder, `disk.${name}`);
  }
}

/** An entry of the table in a master boot record. */
function partition(start: number, sectors: number): Buffer {
  const entry = Buffer.alloc(16);
  entry.writeUInt8(0x83, 4); // Linux
  entry.writeUInt32LE(start, 8);
  entry.writeUInt32LE(sectors, 12);
  return entry;
}
