import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ServiceName } from './api-call.ts';

const Ports = z.partialRecord(z.enum(['identity', 'compute', 'image', 'network']), z.int());
type Ports = Partial<Record<ServiceName, number>>;

/** The ports that the emulator of this folder listened on last; none if it never did. */
export function loadPorts(stateDir: string): Ports {
  const path = join(stateDir, 'ports.json');
  return existsSync(path) ? Ports.parse(JSON.parse(readFileSync(path, 'utf8'))) : {};
}

export function savePorts(stateDir: string, ports: Ports): void {
  const path = join(stateDir, 'ports.json');
  writeFileSync(`${path}.new`, `${JSON.stringify(ports)}\n`);
  renameSync(`${path}.new`, path);
}
