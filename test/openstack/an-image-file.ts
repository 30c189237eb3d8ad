import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A file for an upload, in a folder that goes when the test ends. Gives its path. */
export function anImageFile(content: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'image-file-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'image');
  writeFileSync(path, content);
  return path;
}

/** Of zeros that take no room on the disk. */
export function aSparseImageFile(sizeBytes: number): string {
  const path = anImageFile(Buffer.alloc(0));
  truncateSync(path, sizeBytes);
  return path;
}

/** Bytes that are all different from their neighbours, so that what is lost or moved shows. */
export function imageBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  for (let at = 0; at + 4 <= count; at += 4) bytes.writeUInt32LE(at, at);
  return bytes;
}

/** As Glance tells of an active image's data. */
export function glanceFacts(content: Buffer): Readonly<Record<string, unknown>> {
  return {
    size: content.length,
    checksum: createHash('md5').update(content).digest('hex'),
    os_hash_algo: 'sha512',
    os_hash_value: createHash('sha512').update(content).digest('hex'),
  };
}

/** Whether a request's body is that. `toEqual` takes seconds for so many bytes. */
export function isContent(body: unknown, content: Buffer): boolean {
  return Buffer.isBuffer(body) && body.equals(content);
}
