import * as z from 'zod';
import { Secret } from '../runtime/secret.ts';
import { CronSection } from './cron-section.ts';
import { DiskImageSection } from './diskimage-section.ts';
import { LabelSection } from './label-section.ts';
import { ProviderSection } from './provider-section.ts';
import { count, listOf, name, port, program, seconds, secretText, text, toMs, unused } from './schema/fields.ts';
import { TargetSection } from './target-section.ts';

const GearmanServerSection = z.object({
  host: name('Name or address of the server.'),
  port: port('Port of the server.').default(4730),
});

const DaemonSection = z.object({
  // Upstream waits 60 s because nothing else keeps it from deleting a node too early; here a guard does.
  'delete-delay': seconds('Least wait between a finished job and the deletion of its node.').default(0),
});

const WebSection = z.object({
  port: port('Port of the status pages.').default(8005),
  listen_address: name('Address on which they are served.').default('0.0.0.0'),
});

/** What is no ZeroMQ address would fail only when the socket is connected. */
const publisher = z
  .string()
  .superRefine((address, context) => {
    if (/^[a-z]+:[/][/]./.test(address)) return;
    const message = `Expected an address such as "tcp://jenkins.example.org:8888", found "${address}"`;
    context.addIssue({ code: 'custom', message });
  })
  .meta({ description: 'Address of a publisher, `tcp://HOST:PORT`.' });

/** nodepool.yaml as a whole. Unknown keys are dropped here; `conformToSchema` warns of them. */
export const NodepoolSection = z
  .object({
    'script-dir': text('Folder whose files are copied to snapshot builds.').optional(),
    'elements-dir': text('Folders with elements for diskimage-builder, joined by `:`.').optional(),
    'images-dir': text('Folder for disk images, on a disk with room for all of them. A builder needs it.').optional(),
    dburi: secretText('Database address, used when secure.conf gives none.').optional(),
    'zmq-publishers': listOf(publisher, 'ZeroMQ publishers of the Jenkins masters.').default([]),
    'gearman-servers': listOf(GearmanServerSection, 'Gearman servers; the demand of all is summed.').default([]),
    'zookeeper-servers': unused('Accepted, not used (nodepool 0.4 and later).'),
    cron: CronSection.prefault({}).meta({ description: 'When what runs; see "Schedules" below.' }),
    nodepoold: DaemonSection.prefault({}).meta({ description: 'The daemon itself.' }),
    webapp: WebSection.prefault({}).meta({ description: 'The status pages.' }),
    'max-hold-age': seconds('Nodes held longer are deleted. 0: never.').default(0),
    'build-log-dir': text('Folder for one log of each build of an image. Absent: no such logs.').optional(),
    'build-log-retention': count(
      'Logs kept for each disk image, and for each snapshot image of a provider.',
      'logs',
    ).default(7),
    'image-failure-hook': program('Program that is run after each build or upload of an image that failed.').optional(),
    labels: listOf(LabelSection, 'What jobs ask for.').default([]),
    providers: listOf(ProviderSection, 'Clouds.'),
    targets: listOf(TargetSection, 'Jenkins masters.').default([]),
    diskimages: listOf(DiskImageSection, 'Images built by diskimage-builder.').default([]),
  })
  .transform((yaml) => ({
    scriptDir: yaml['script-dir'],
    elementsDir: yaml['elements-dir'],
    imagesDir: yaml['images-dir'],
    databaseUrl: yaml.dburi === undefined ? undefined : new Secret(yaml.dburi),
    zmqPublishers: yaml['zmq-publishers'],
    gearmanServers: yaml['gearman-servers'],
    cron: yaml.cron,
    deleteDelayMs: toMs(yaml.nodepoold['delete-delay']),
    webapp: { port: yaml.webapp.port, listenAddress: yaml.webapp.listen_address },
    maxHoldAgeMs: toMs(yaml['max-hold-age']),
    buildLogDir: yaml['build-log-dir'],
    buildLogRetention: yaml['build-log-retention'],
    imageFailureHook: yaml['image-failure-hook'],
    labels: yaml.labels,
    providers: yaml.providers,
    targets: yaml.targets,
    diskimages: yaml.diskimages,
  }));

/** nodepool.yaml before secure.conf and clouds.yaml are laid over it. */
export type ParsedNodepool = z.output<typeof NodepoolSection>;
