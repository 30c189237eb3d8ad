import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FarmFolder, FarmState } from './farm-folder.ts';

/** What the farm's Jenkins and cloud are called in the configuration that comes with it. */
export const FARM_NAMES = {
  cloudUser: 'nodepool',
  cloudPassword: 'devfarm',
  project: 'nodepool',
  jenkinsUser: 'nodepool',
  jenkinsToken: 'devfarm-token',
  credentialsId: 'node-key',
  label: 'demo',
  job: 'demo-job',
} as const;

const SETUP_SCRIPT = `#!/bin/bash
# Prepares the image: the account that jobs run as, and the key that may log in to it.
set -eu
useradd --create-home --shell /bin/bash jenkins
install -d -m 700 -o jenkins -g jenkins /home/jenkins/.ssh
echo "$NODEPOOL_SSH_KEY" >/home/jenkins/.ssh/authorized_keys
chown jenkins: /home/jenkins/.ssh/authorized_keys
echo 'jenkins ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/jenkins
echo "image made on $1" >/etc/image-mark
`;

const READY_SCRIPT = `#!/bin/bash
# Runs on each node before it becomes ready.
set -eu
test -s /etc/image-mark
test "$(cat /etc/nodepool/role)" = primary
echo "$1 is ready" | sudo tee /etc/node-mark
`;

/** Writes nodepool.yaml, secure.conf and the scripts for a nodepoold of this farm; files that are there stay as they are. */
export function writeNodepoolFiles(folder: FarmFolder, state: FarmState): void {
  const scripts = join(folder.nodepool, 'scripts');
  mkdirSync(scripts, { recursive: true });
  writeOnce(join(scripts, 'setup.sh'), SETUP_SCRIPT, 0o755);
  writeOnce(join(scripts, 'ready.sh'), READY_SCRIPT, 0o755);
  writeOnce(join(folder.nodepool, 'nodepool.yaml'), nodepoolYaml(folder, state), 0o644);
  writeOnce(join(folder.nodepool, 'secure.conf'), secureConf(state), 0o600);
}

function writeOnce(path: string, content: string, mode: number): void {
  if (existsSync(path)) return;
  writeFileSync(path, content, { mode });
  chmodSync(path, mode); // whatever the umask took away
}

function nodepoolYaml(folder: FarmFolder, state: FarmState): string {
  return `# For nodepoold with the farm in ${folder.root}.
script-dir: ${folder.nodepool}/scripts

gearman-servers:
  - host: 127.0.0.1
    port: ${state.gearmanPort}

zmq-publishers:
  - ${state.zmqEndpoint}

labels:
  - name: ${FARM_NAMES.label}
    image: ${FARM_NAMES.label}-image
    min-ready: 2
    ready-script: ready.sh
    providers:
      - name: devfarm

providers:
  - name: devfarm
    auth-url: ${state.authUrl}
    username: ${FARM_NAMES.cloudUser}
    password: ${FARM_NAMES.cloudPassword}
    project-name: ${FARM_NAMES.project}
    region-name: RegionOne
    max-servers: 10
    rate: 0.001
    boot-timeout: 60
    launch-timeout: 120
    ssh-port: ${state.sshPort}
    availability-zones:
      - az1
      - az2
    networks:
      - name: private
    images:
      - name: ${FARM_NAMES.label}-image
        base-image: debian
        min-ram: 512
        setup: setup.sh
        username: jenkins
        private-key: ${folder.keys}/id_rsa

targets:
  - name: jenkins
    rate: 0.001
    hostname: '{label.name}-{provider.name}-{node_id}'
`;
}

function secureConf(state: FarmState): string {
  return `[jenkins "jenkins"]
url=${state.jenkinsUrl}
user=${FARM_NAMES.jenkinsUser}
apikey=${FARM_NAMES.jenkinsToken}
credentials=${FARM_NAMES.credentialsId}
`;
}
