/** Zuul's side of Gearman: submits jobs; and, as a Jenkins would, takes them from the queue when told. */
import { zuulParameters } from '../../scripts/demonstration/zuul-parameters.ts';
import { GearmanClient } from '../../src/gearman/gearman-client.ts';
import { GearmanWorker } from '../../src/gearman/gearman-worker.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { benchDeps } from './bench-deps.ts';
import { optionsFromParent, serveParent } from './serve-parent.ts';
import { sharedNowMs } from './stopwatch.ts';

export type ZuulOptions = { readonly gearmanPort: number };

const JOB_MS = 600_000;

const { gearmanPort } = optionsFromParent() as ZuulOptions; // the parent is our own program
const servers = [{ host: '127.0.0.1', port: gearmanPort }];
const deps = benchDeps();
const client = new GearmanClient({ servers, clientId: 'bench' }, deps);
const worker = new GearmanWorker({ servers, clientIds: ['bench worker'] }, deps);
const running = new Map<string, Promise<unknown>>();

serveParent('ready', { submit: (label) => submit(String(label)), finish: (label) => finish(String(label)) });

/** Asks for a node of that label; gives the shared clock's time just before. */
function submit(label: string): number {
  const unique = systemRandomness.hex(16);
  const data = JSON.stringify(zuulParameters(unique, 1));
  const submittedMs = sharedNowMs();
  const job = { function: functionOf(label), unique, data, deadlineMs: JOB_MS };
  running.set(label, client.submit(job, new AbortController().signal));
  return submittedMs;
}

/** The job of that label runs and ends. */
async function finish(label: string): Promise<void> {
  worker.register(functionOf(label), () => Promise.resolve({ type: 'complete', result: '' }));
  await running.get(label);
  worker.withdraw(functionOf(label));
}

function functionOf(label: string): string {
  return `build:gate-example-python:${label}`;
}
