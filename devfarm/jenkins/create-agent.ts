import { z } from 'zod';
import type { AgentRecord } from './farm-records.ts';
import { type Answer, type Call, jettyError, oops, redirect, refused } from './http-answer.ts';
import type { JenkinsWorld } from './jenkins-world.ts';

const AGENT_TYPE = 'hudson.slaves.DumbSlave$DescriptorImpl';
const UNSAFE = /[?*/\\%!@#$^&|<>[\]:;]/;
const MOST_AT_ONCE = 3;

const Form = z.object({
  nodeDescription: z.string().default(''),
  numExecutors: z.coerce.number().default(1),
  remoteFS: z.string().default(''),
  labelString: z.string().default(''),
  mode: z.string().default('NORMAL'),
  launcher: z.object({
    host: z.string(),
    port: z.coerce.number().default(22),
    credentialsId: z.string().optional(),
    sshHostKeyVerificationStrategy: z.object({ 'stapler-class': z.string() }).optional(),
  }),
});

/** POST `computer/doCreateItem`. Three at once may be told of success for one name: Jenkins looks before it leaps. */
export class AgentCreation {
  readonly #world: JenkinsWorld;
  #underWay = 0;

  constructor(world: JenkinsWorld) {
    this.#world = world;
  }

  async create(call: Call): Promise<Answer> {
    await this.#world.bell.until(() => this.#underWay < MOST_AT_ONCE || undefined, this.#world.signal);
    this.#underWay += 1;
    try {
      return await this.#createNow(call);
    } finally {
      this.#underWay -= 1;
      this.#world.bell.ring();
    }
  }

  async #createNow({ query, target }: Call): Promise<Answer> {
    const name = (query.get('name') ?? '').trim();
    const refusal = this.#refuseName(name);
    if (refusal !== undefined) return refusal;
    const [type, json] = [query.get('type'), query.get('json')];
    if (type === null || json === null) {
      return jettyError(400, 'This page expects a form submission', target.split('?', 1)[0] ?? '');
    }
    const record = type === AGENT_TYPE ? readForm(name, json) : undefined;
    if (record === undefined) return oops();
    const { createMs } = this.#world.options.timing;
    if (createMs > 0) await this.#world.clock.sleep(createMs, this.#world.signal);
    this.#world.computers.put(record);
    return redirect(`${this.#world.baseUrl()}/computer/`);
  }

  #refuseName(name: string): Answer | undefined {
    if (name === '') return refused("Query parameter 'name' is required");
    if (this.#world.computers.find(name) !== undefined) return refused(`Agent called  ${name}  already exists`);
    const unsafe = UNSAFE.exec(name)?.[0];
    return unsafe === undefined ? undefined : refused(`${unsafe}  is an unsafe character`);
  }
}

/** Undefined: it is no form. What the plugin does not know, such as user name and key path, is dropped silently. */
function readForm(name: string, json: string): AgentRecord | undefined {
  try {
    const { launcher, ...form } = Form.parse(JSON.parse(json));
    const strategy = launcher.sshHostKeyVerificationStrategy?.['stapler-class'];
    return {
      id: name,
      description: form.nodeDescription,
      remoteFolder: form.remoteFS,
      executors: form.numExecutors,
      mode: form.mode,
      label: form.labelString,
      host: launcher.host,
      port: launcher.port,
      ...(launcher.credentialsId !== undefined && { credentialsId: launcher.credentialsId }),
      ...(strategy !== undefined && { hostKeyStrategy: strategy }),
    };
  } catch {
    return undefined; // answered by 500
  }
}
