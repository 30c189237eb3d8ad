/** What Zuul 2.5 gives a build for a change: all values are strings. */
export function zuulParameters(uuid: string, change: number): Readonly<Record<string, string>> {
  return {
    ZUUL_UUID: uuid,
    ZUUL_PROJECT: 'demo/project',
    ZUUL_PIPELINE: 'check',
    ZUUL_URL: 'http://127.0.0.1/p',
    ZUUL_VOTING: '1',
    BASE_LOG_PATH: `${change}/1/check`,
    LOG_PATH: `${change}/1/check/demo-job/${uuid.slice(0, 7)}`,
    ZUUL_BRANCH: 'master',
    ZUUL_CHANGES: `demo/project:master:refs/changes/0${change % 10}/${change}/1`,
    ZUUL_REF: `refs/zuul/master/Z${uuid}`,
    ZUUL_COMMIT: uuid.padEnd(40, '0'),
    ZUUL_CHANGE_IDS: `${change},1`,
    ZUUL_CHANGE: String(change),
    ZUUL_PATCHSET: '1',
    OFFLINE_NODE_WHEN_COMPLETE: '1',
  };
}
