import { FARM_NAMES } from '../../devfarm/farm/nodepool-files.ts';
import { GearmanClient } from '../../src/gearman/gearman-client.ts';
import type { DemoFarm } from './demo-farm.ts';
import { zuulParameters } from './zuul-parameters.ts';

/** A build that ended with SUCCESS. */
export type EndedBuild = { readonly number: number; readonly nodename: string };

const JOB_MS = 120_000;

/** Submits jobs as Zuul v2 does and waits for their ends; throws unless each ends with SUCCESS on a known node. */
export async function runJobs(count: number, farm: DemoFarm): Promise<readonly EndedBuild[]> {
  const client = new GearmanClient(
    { servers: [{ host: '127.0.0.1', port: farm.state.gearmanPort }], clientId: 'Zuul RPC Client' },
    farm.deps,
  );
  try {
    return await Promise.all(Array.from({ length: count }, (_, index) => runJob(index + 1, client, farm)));
  } finally {
    await client.close();
  }
}

async function runJob(change: number, client: GearmanClient, farm: DemoFarm): Promise<EndedBuild> {
  const unique = farm.deps.randomness.hex(16);
  const outcome = await client.submit(
    {
      function: `build:${FARM_NAMES.job}`,
      unique,
      data: JSON.stringify(zuulParameters(unique, change)),
      deadlineMs: JOB_MS,
    },
    farm.signal,
  );
  const data = outcome.data.map((chunk) => chunk.toString('utf8'));
  if (outcome.type !== 'completed') throw new Error(`Job ${change} ended as ${outcome.type}`);
  const last = JSON.parse(outcome.result.length > 0 ? outcome.result.toString('utf8') : (data.at(-1) ?? '{}')) as {
    readonly number?: number;
    readonly result?: string;
    readonly node_name?: string;
  };
  if (last.result !== 'SUCCESS' || last.node_name === undefined) {
    throw new Error(`Job ${change} ended with ${last.result ?? 'no result'} on ${last.node_name ?? 'no node'}`);
  }
  return { number: last.number ?? 0, nodename: last.node_name };
}
