import { StandInBench } from '../../devfarm/jenkins/stand-in-bench.ts';

/** Something to do between two recorded exchanges. */
type Step = (jenkins: StandInBench) => Promise<unknown>;

const CREDENTIALS = ['8c2ddfae-2f52-4a4c-8b0c-4d64d5b6ab53', 'agent-key'].map((id) => ({
  id,
  username: 'root',
  privateKeyPath: '/srv/jenkins/ssh/key',
}));

/** A Jenkins as the recorded one was: its agents are on one machine. */
export function recordedBench(changes: Parameters<typeof StandInBench.start>[0] = {}): Promise<StandInBench> {
  return StandInBench.start({ credentials: CREDENTIALS, ...changes });
}

export const online =
  (name: string): Step =>
  (jenkins) =>
    jenkins.until(`/computer/${encodeURIComponent(name)}`, 'offline', (json) => json['offline'] === false);

export const onlineAgent =
  (name: string, changes: Readonly<Record<string, unknown>> = {}): Step =>
  (jenkins) =>
    jenkins.onlineAgent(name, {
      launcher: { host: '127.0.0.1', port: 22022, credentialsId: 'agent-key' },
      ...changes,
    });
