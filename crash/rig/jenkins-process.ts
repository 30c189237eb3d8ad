/** The farm's Jenkins in a process that can be killed. */
import { SshMachines } from '../../devfarm/jenkins/ssh-machines.ts';
import { type JenkinsStandIn, startJenkinsStandIn } from '../../devfarm/jenkins/start-jenkins-stand-in.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { NAMES } from '../../test/integration/farm-config.ts';
import { endWithParent } from './end-with-parent.ts';
import { PrintingLogger } from './printing-logger.ts';

export type JenkinsOptions = {
  readonly stateDir: string;
  readonly privateKeyPath: string;
  readonly gearmanPort: number;
  /** Of before, after a restart; 0: any. */
  readonly port: number;
  readonly zmqPort: number;
  readonly command: string;
};

export type JenkinsAddress = Pick<JenkinsStandIn, 'url' | 'zmqEndpoint'>;

const options = JSON.parse(process.argv[2] ?? '{}') as JenkinsOptions; // the parent is our own program
const jenkins = await startJenkinsStandIn(
  {
    ...{ stateDir: options.stateDir, port: options.port, zmqPort: options.zmqPort, bindZmqLate: false },
    ...{ user: NAMES.user, apiToken: NAMES.token },
    gearman: { host: '127.0.0.1', port: options.gearmanPort },
    credentials: [{ id: 'node-key', username: 'jenkins', privateKeyPath: options.privateKeyPath }],
    jobs: [{ name: NAMES.job, label: NAMES.label, command: options.command }],
    keepUndefinedParameters: true,
    timing: { retryWaitMs: 200, removalMs: 200, relaunchMs: 500 },
  },
  { machines: new SshMachines(), clock: systemClock, log: new PrintingLogger('jenkins'), randomness: systemRandomness },
);
const address: JenkinsAddress = { url: jenkins.url, zmqEndpoint: jenkins.zmqEndpoint };
process.stdout.write(`ready ${JSON.stringify(address)}\n`);
await endWithParent();
