import { FakeAgents } from '../../fakes/fake-agents.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { describeAgents } from './agents-contract.ts';

describeAgents('FakeAgents', () => {
  const agents = new FakeAgents();
  const done = Promise.resolve();
  return Promise.resolve({
    agents,
    connected: async (nodename) => {
      await agents.find(nodename, neverAborted);
    },
    startBuild: (nodename) => {
      agents.startBuild(nodename);
      return done;
    },
    endBuild: (nodename, then) => {
      agents.endBuild(nodename, then);
      return done;
    },
    quietDown: (isOn) => {
      agents.online = !isOn;
      return done;
    },
    testJobs: () => Promise.resolve(agents.testJobs.map(({ nodename }) => nodename)),
    [Symbol.asyncDispose]: () => agents.close(),
  });
});
