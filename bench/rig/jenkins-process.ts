/** The farm's Jenkins: agents connect at once, for nothing is behind them. Ready when it listens; tells its URL. */
import { startJenkinsStandIn } from '../../devfarm/jenkins/start-jenkins-stand-in.ts';
import { benchDeps } from './bench-deps.ts';
import { BENCH_ACCOUNT } from './farm-text.ts';
import { optionsFromParent, serveParent } from './serve-parent.ts';

export type JenkinsOptions = { readonly stateDir: string };

const { user, token } = BENCH_ACCOUNT;
const jenkins = await startJenkinsStandIn(
  {
    ...(optionsFromParent() as JenkinsOptions), // the parent is our own program
    user,
    apiToken: token,
    credentials: [{ id: 'key', username: 'jenkins', privateKeyPath: '/nowhere/key' }],
  },
  {
    ...benchDeps(),
    machines: {
      connect: () =>
        Promise.resolve({
          run: () => Promise.resolve(0),
          lost: new Promise<void>(() => undefined),
          close: () => undefined,
        }),
    },
  },
);
serveParent(jenkins.url, {});
