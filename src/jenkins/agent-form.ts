import type { NewAgent } from '../node/agents.ts';

/** The kind of computer that `doCreateItem` makes. */
export const AGENT_TYPE = 'hudson.slaves.DumbSlave$DescriptorImpl';

/**
 * The form that `doCreateItem` takes as its parameter `json` (upstream: myjenkins.py, plus the host-key strategy that
 * the SSH plugin wants since 1.30). Without a credentials id user and key path are sent, as Jenkins of old wants them.
 */
export function agentForm(agent: NewAgent, credentialsId: string | undefined): Readonly<Record<string, unknown>> {
  return {
    name: agent.nodename,
    nodeDescription: agent.description,
    // Never 0: Jenkins then makes a node that no call can reach or delete.
    numExecutors: 1,
    remoteFS: agent.remoteFolder,
    ...(agent.label !== undefined && { labelString: agent.label }),
    mode: 'EXCLUSIVE',
    type: AGENT_TYPE,
    retentionStrategy: { 'stapler-class': 'hudson.slaves.RetentionStrategy$Always' },
    nodeProperties: { 'stapler-class-bag': 'true' },
    launcher: {
      'stapler-class': 'hudson.plugins.sshslaves.SSHLauncher',
      host: agent.host,
      port: agent.port,
      ...(credentialsId === undefined
        ? { username: agent.username, privatekey: agent.privateKeyPath }
        : { credentialsId }),
      sshHostKeyVerificationStrategy: {
        'stapler-class': 'hudson.plugins.sshslaves.verifiers.NonVerifyingKeyVerificationStrategy',
      },
    },
  };
}
