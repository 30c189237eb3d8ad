/** Jenkins: the agents of one target over the manager's HTTP API (decision: ADR 0007). */
import type { JenkinsConfig, TargetConfig } from '../config/config.ts';
import type { Agents } from '../node/agents.ts';
import type { Logger } from '../runtime/logger.ts';
import { JenkinsAgents } from './jenkins-agents.ts';
import { JenkinsConnection, type JenkinsConnectionDeps } from './jenkins-connection.ts';

export type OpenAgentsDeps = JenkinsConnectionDeps & {
  /** Becomes `….JenkinsManager` (upstream's logger). */
  readonly log: Logger;
};

/**
 * The agents of a target that has a Jenkins. Opens no connection before the first call; close it when done.
 * @throws {Error} the target has no Jenkins, or its URL is none
 */
export function openAgents(target: TargetConfig, deps: OpenAgentsDeps): Agents {
  const jenkins = target.jenkins;
  if (jenkins === undefined) throw new Error(`Target "${target.name}" has no Jenkins`);
  const log = deps.log.child('JenkinsManager');
  warnWithoutCredentialsId(target, jenkins, log);
  const connection = new JenkinsConnection(target, jenkins, deps);
  return new JenkinsAgents(target.name, { ...deps, log, connection, credentialsId: jenkins.credentialsId });
}

function warnWithoutCredentialsId(target: TargetConfig, jenkins: JenkinsConfig, log: Logger): void {
  if (jenkins.credentialsId !== undefined) return;
  log.warn(
    `Target "${target.name}" has no credentials-id: today's Jenkins ignores user name and key path, and its agents cannot connect`,
  );
}
