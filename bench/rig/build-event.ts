export type BuildTopic = 'onStarted' | 'onFinalized';

/** A build event as zmq-event-publisher writes it for a job that Zuul started. */
export function buildEvent(topic: BuildTopic, nodename: string, number: number): string {
  const isEnd = topic === 'onFinalized';
  const url = `job/gate-example-python/${number}/`;
  const json = {
    name: 'gate-example-python',
    url: 'job/gate-example-python/',
    build: {
      full_url: `http://jenkins.example.org/${url}`,
      number,
      phase: isEnd ? 'FINISHED' : 'STARTED',
      ...(isEnd && { status: 'SUCCESS' }),
      url,
      parameters: {
        BASE_LOG_PATH: `12/345612/${number}/gate`,
        LOG_PATH: `12/345612/${number}/gate/gate-example-python/abcdef0`,
        OFFLINE_NODE_WHEN_COMPLETE: '1',
        ZUUL_BRANCH: 'master',
        ZUUL_CHANGE: '345612',
        ZUUL_CHANGES: 'example/project:master:refs/changes/12/345612/1',
        ZUUL_PIPELINE: 'gate',
        ZUUL_PROJECT: 'example/project',
        ZUUL_REF: 'refs/zuul/master/Zc7b1f0a5d2e84f1f9a0d3c5b7e9f1a2b',
        ZUUL_UUID: '4b1f0a5d2e84f1f9a0d3c5b7e9f1a2b3',
      },
      node_name: nodename,
      node_description: 'Dynamic single use bench node',
      host_name: '127.0.0.1',
    },
  };
  return `${topic} ${JSON.stringify(json)}`;
}
