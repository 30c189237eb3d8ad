import type { Agent, Agents, NewAgent } from '../node/agents.ts';
import {
  CredentialsRefusedError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../provider/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { describeError, isAbort } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { hasCredentialsId, labelOf, launcherHost, withLabel } from './agent-config-xml.ts';
import { AGENT_TYPE, agentForm } from './agent-form.ts';
import {
  classifyJenkinsFailure,
  isFormSuccess,
  type JenkinsAnswer,
  jsonOf,
  saysAlreadyExists,
} from './jenkins-answer.ts';
import type { JenkinsConnection, JenkinsRequest } from './jenkins-connection.ts';
import { COMPUTER_FIELDS, parseAgent, parseAgents } from './parse-agents.ts';

export type JenkinsAgentsDeps = {
  readonly connection: JenkinsConnection;
  readonly credentialsId: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
};

const LONGEST_REASON = 300;
/** Longest wait for a deleted agent to be gone: one with a build stays listed until the build has ended. */
const REMOVAL_LIMIT_MS = 60_000;
const REMOVAL_POLL_MS = { first: 100, max: 2_000 } as const;
/** How long a target counts as offline after it refused a change: reads may well be allowed, so they cannot tell. */
const REFUSED_MS = 60_000;
/**
 * Order in the target's queue: first what keeps a second job from a node, then looking before changing, freeing before filling.
 */
const CLOSE = 3;
const LOOK = 2;
const FREE = 1;

/** The agents of one target's Jenkins (contract: Agents). J1 to J9 are the calls of Jenkins' remote API that it makes. */
export class JenkinsAgents implements Agents {
  readonly target: string;
  readonly #deps: JenkinsAgentsDeps;
  #lastOfflineReason: string | undefined;
  #refusal: { readonly untilMs: number; readonly reason: string } | undefined;
  #launcherChecked = false;

  constructor(target: string, deps: JenkinsAgentsDeps) {
    this.target = target;
    this.#deps = deps;
  }

  async isOnline(signal: AbortSignal): Promise<boolean> {
    const reason = await this.#offlineReason(signal);
    if (reason !== this.#lastOfflineReason) this.#logChange(reason);
    this.#lastOfflineReason = reason;
    return reason === undefined;
  }

  async list(signal: AbortSignal): Promise<readonly Agent[]> {
    const path = `/computer/api/json?tree=computer[${COMPUTER_FIELDS}]`;
    const request = { task: 'ListNodesTask', method: 'GET', path, priority: LOOK } as const;
    return this.#parse(request, parseAgents, await this.#send(request, signal));
  }

  async find(nodename: string, signal: AbortSignal): Promise<Agent | undefined> {
    const path = `${pathOf(nodename)}/api/json?tree=${COMPUTER_FIELDS}`;
    const request = { task: 'NodeExistsTask', method: 'GET', path, priority: LOOK } as const;
    const answer = await this.#send(request, signal);
    return answer.status === 404 ? undefined : this.#parse(request, parseAgent, answer);
  }

  async ensure(agent: NewAgent, signal: AbortSignal): Promise<void> {
    if (!(await this.#create(agent, signal))) {
      if (await this.#isOurs(agent, signal)) return;
      await this.#replace(agent, signal);
    }
    // Jenkins answers 302 even where another's agent of the same name won, or none can be reached.
    if ((await this.find(agent.nodename, signal)) === undefined) {
      throw new TransientProviderError(`Jenkins of target "${this.target}" does not show agent "${agent.nodename}"`);
    }
    await this.#checkLauncherOnce(agent.nodename, signal);
  }

  async setOffline(nodename: string, reason: string, signal: AbortSignal): Promise<boolean> {
    // Not toggleOffline: two of those at once cancel out.
    const path = `${pathOf(nodename)}/changeOfflineCause?offlineMessage=${encodeURIComponent(reason)}`;
    const request = { task: 'SetNodeOfflineTask', method: 'POST', path, priority: CLOSE, isRepeatable: true } as const;
    const answer = await this.#send(request, signal);
    if (answer.status === 404) return false;
    if (!isFormSuccess(answer)) throw this.#failure(request, answer);
    return true;
  }

  async remove(nodename: string, signal: AbortSignal): Promise<boolean> {
    const path = `${pathOf(nodename)}/doDelete`;
    const request = { task: 'DeleteNodeTask', method: 'POST', path, priority: FREE, isRepeatable: true } as const;
    const answer = await this.#send(request, signal);
    if (answer.status === 404) return true;
    if (!isFormSuccess(answer)) throw this.#failure(request, answer);
    return await this.#waitUntilGone(nodename, signal);
  }

  async relabel(nodename: string, label: string, signal: AbortSignal): Promise<void> {
    const xml = await this.#config(nodename, signal);
    if (xml === undefined)
      throw new RequestRefusedError(`Cannot relabel agent "${nodename}": Jenkins does not know it`);
    const path = `${pathOf(nodename)}/config.xml`;
    const request = { task: 'SetNodeConfigTask', method: 'POST', path, xml: withLabel(xml, label) } as const;
    const answer = await this.#send(request, signal);
    if (answer.status !== 200) throw this.#failure(request, answer);
    // Jenkins says 200 to half a document too.
    const stored = await this.#config(nodename, signal);
    if (stored === undefined || labelOf(stored) !== label) {
      throw new TransientProviderError(`Jenkins of target "${this.target}" did not store the label of "${nodename}"`);
    }
  }

  async startTestJob(job: string, nodename: string, signal: AbortSignal): Promise<void> {
    const path = `/job/${encodeURIComponent(job)}/buildWithParameters?NODE=${encodeURIComponent(nodename)}`;
    const request = { task: 'StartBuildTask', method: 'POST', path } as const;
    const answer = await this.#send(request, signal);
    if (answer.status === 201) return;
    // Jenkins' answer to a job that takes no parameters.
    throw answer.status === 500 ? this.#refused(request, answer) : this.#failure(request, answer);
  }

  async close(): Promise<void> {
    await this.#deps.connection.close();
  }

  /** Creates the agent; false: its name is taken. */
  async #create(agent: NewAgent, signal: AbortSignal): Promise<boolean> {
    const form = JSON.stringify(agentForm(agent, this.#deps.credentialsId));
    const query = new URLSearchParams({ name: agent.nodename, type: AGENT_TYPE, json: form });
    const path = `/computer/doCreateItem?${query.toString()}`;
    const request = { task: 'CreateNodeTask', method: 'POST', path } as const;
    const answer = await this.#send(request, signal).catch((error: unknown) => {
      if (error instanceof UnknownOutcomeError) return undefined; // the caller looks what is there
      throw error;
    });
    if (answer === undefined || saysAlreadyExists(answer)) return false;
    if (isFormSuccess(answer)) return true;
    throw answer.status === 500 ? this.#refused(request, answer) : this.#failure(request, answer);
  }

  async #isOurs(agent: NewAgent, signal: AbortSignal): Promise<boolean> {
    const xml = await this.#config(agent.nodename, signal);
    return xml !== undefined && launcherHost(xml) === agent.host;
  }

  /** Puts our agent in the place of one with the same name and another host. */
  async #replace(agent: NewAgent, signal: AbortSignal): Promise<void> {
    const { nodename } = agent;
    if ((await this.find(nodename, signal))?.busy === true) {
      throw new TransientProviderError(`Cannot replace agent "${nodename}" of another host: it runs a build`);
    }
    const gone = await this.remove(nodename, signal);
    if (gone && (await this.#create(agent, signal))) return;
    throw new TransientProviderError(`Cannot replace agent "${nodename}" of another host`);
  }

  /** The first look comes at once: an idle agent is gone by then, and its server waits for that. */
  async #waitUntilGone(nodename: string, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#deps;
    const endMs = clock.monotonicMs() + REMOVAL_LIMIT_MS;
    for (let pollMs: number = REMOVAL_POLL_MS.first; ; pollMs = Math.min(2 * pollMs, REMOVAL_POLL_MS.max)) {
      if ((await this.find(nodename, signal)) === undefined) return true;
      if (clock.monotonicMs() + pollMs > endMs) return false;
      await clock.sleep(pollMs, signal);
    }
  }

  /** The agent's config.xml; undefined: there is no such agent. */
  async #config(nodename: string, signal: AbortSignal): Promise<string | undefined> {
    const request = { task: 'GetNodeConfigTask', method: 'GET', path: `${pathOf(nodename)}/config.xml` } as const;
    const answer = await this.#send(request, signal);
    if (answer.status === 404) return undefined;
    if (answer.status !== 200 || !answer.contentType.includes('xml')) throw this.#failure(request, answer);
    return answer.text;
  }

  async #checkLauncherOnce(nodename: string, signal: AbortSignal): Promise<void> {
    if (this.#launcherChecked) return;
    const xml = await this.#config(nodename, signal);
    if (xml === undefined) return;
    this.#launcherChecked = true;
    if (hasCredentialsId(xml)) return;
    this.#deps.log.warn(`Jenkins of target "${this.target}" stored agent "${nodename}" without credentials`);
  }

  /** Why nothing should be launched for this Jenkins; undefined: all is well. */
  async #offlineReason(signal: AbortSignal): Promise<string | undefined> {
    const request = {
      task: 'GetInfoTask',
      method: 'GET',
      path: '/api/json?tree=quietingDown',
      priority: LOOK,
    } as const;
    try {
      const quietingDown = this.#parse(request, parseQuietingDown, await this.#send(request, signal));
      if (quietingDown) return 'It is quieting down';
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      return describeError(error);
    }
    if (this.#refusal === undefined || this.#deps.clock.monotonicMs() >= this.#refusal.untilMs) return undefined;
    return this.#refusal.reason;
  }

  #logChange(reason: string | undefined): void {
    if (reason === undefined) this.#deps.log.info(`Jenkins of target "${this.target}" is online`);
    else this.#deps.log.warn(`Jenkins of target "${this.target}" is offline: ${reason}`);
  }

  async #send(request: JenkinsRequest, signal: AbortSignal): Promise<JenkinsAnswer> {
    try {
      const answer = await this.#deps.connection.send(request, signal);
      if (request.method === 'POST') this.#refusal = undefined;
      return answer;
    } catch (error) {
      if (request.method === 'POST' && error instanceof CredentialsRefusedError) {
        this.#refusal = { untilMs: this.#deps.clock.monotonicMs() + REFUSED_MS, reason: error.message };
      }
      throw error;
    }
  }

  #parse<T>(request: JenkinsRequest, parse: (json: unknown) => T, answer: JenkinsAnswer): T {
    const json = jsonOf({ target: this.target, task: request.task }, answer);
    try {
      return parse(json);
    } catch (error) {
      const message = `Cannot read the answer of Jenkins of target "${this.target}" to ${request.task}`;
      throw new TransientProviderError(`${message}: ${describeError(error).slice(0, LONGEST_REASON)}`);
    }
  }

  #failure(request: JenkinsRequest, answer: JenkinsAnswer): Error {
    return classifyJenkinsFailure({ target: this.target, task: request.task }, answer);
  }

  #refused(request: JenkinsRequest, answer: JenkinsAnswer): Error {
    return new RequestRefusedError(this.#failure(request, answer).message);
  }
}

/** A blank becomes `%20`: Jenkins reads `+` in a path as itself. */
function pathOf(nodename: string): string {
  return `/computer/${encodeURIComponent(nodename)}`;
}

function parseQuietingDown(json: unknown): boolean {
  const known = typeof json === 'object' && json !== null && 'quietingDown' in json ? json.quietingDown : undefined;
  if (typeof known !== 'boolean') throw new Error('It has no "quietingDown"');
  return known;
}
