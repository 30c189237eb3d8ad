import * as z from 'zod';
import { Secret } from '../runtime/secret.ts';
import { flag, name, seconds, secretText, text, toMs, withoutEffect } from './schema/fields.ts';
import { template } from './template-field.ts';

/** `jenkins` of a target. A section of secure.conf wins over it. */
const JenkinsSection = z
  .object({
    url: text('Address of the Jenkins master; it may hold a path.').optional(),
    user: text('Account for the API. Absent: anonymous.').optional(),
    apikey: secretText('API token or password of that account.').optional(),
    'credentials-id': text('Credentials in Jenkins for logging in to nodes.').optional(),
    'test-job': text('Job that must succeed on a node before it is ready.').optional(),
  })
  .transform((yaml) => ({
    url: yaml.url,
    user: yaml.user,
    apiKey: yaml.apikey === undefined ? undefined : new Secret(yaml.apikey),
    credentialsId: yaml['credentials-id'],
    testJob: yaml['test-job'],
  }));

/** An entry of `targets`. */
export const TargetSection = z
  .object({
    name: name('Name of the Jenkins master or launcher farm.'),
    rate: seconds('Least time between two calls of this Jenkins.').default(1),
    hostname: template(
      'hostname',
      "Name of a node. What stands before its first dot is the node's name in Jenkins and must hold `{node_id}`.",
    ).default('{label.name}-{provider.name}-{node_id}'),
    'subnode-hostname': template('subnode-hostname', 'Name of a subnode; it must hold `{subnode_id}`.').default(
      '{label.name}-{provider.name}-{node_id}-{subnode_id}',
    ),
    'assign-via-gearman': flag('Whether nodes are handed out by Gearman (`node_assign`).').default(false),
    jenkins: JenkinsSection.optional().meta({
      description: 'The Jenkins master. Absent: nodes become ready and nothing more.',
      ifAbsent: 'No Jenkins is configured for this target',
    }),
    images: withoutEffect('"labels" are needed since 0.1'),
  })
  .transform((yaml) => ({
    name: yaml.name,
    minRequestGapMs: toMs(yaml.rate),
    hostname: yaml.hostname,
    subnodeHostname: yaml['subnode-hostname'],
    assignViaGearman: yaml['assign-via-gearman'],
    jenkins: yaml.jenkins,
  }));

/** A target before secure.conf is laid over it. */
export type ParsedTarget = z.output<typeof TargetSection>;
