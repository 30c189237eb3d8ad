import type { QueueRow } from './demand-from-status.ts';

/**
 * Reads what a Gearman server answers to `status`: one function per line, parts parted by tabs (job names may hold
 * spaces). A missing or unreadable number counts as 0, so one odd line cannot hide the others (upstream loses the pass).
 */
export function parseStatusText(text: string): QueueRow[] {
  return text
    .split('\n')
    .map((line) => line.split('\t').map((part) => part.trim()))
    .filter(([name]) => name !== '' && name !== '.')
    .map(([name = '', total, running, workers]) => ({
      name,
      total: integerOf(total),
      running: integerOf(running),
      workers: integerOf(workers),
    }));
}

function integerOf(text: string | undefined): number {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : 0;
}
