import type { FuzzTarget } from './fuzz-target.ts';
import { cloudsYaml, nodepoolYaml, secureConf } from './targets/config-files.ts';
import { gearmanCodec } from './targets/gearman-codec.ts';
import { gearmanLines } from './targets/gearman-lines.ts';
import { gearmanAdmin, gearmanClient, gearmanWorker } from './targets/gearman-peers.ts';
import { jenkinsAnswers } from './targets/jenkins-answers.ts';
import { jenkinsHttp } from './targets/jenkins-http.ts';
import { loggingConf } from './targets/logging-conf.ts';
import { openstackAnswers } from './targets/openstack-answers.ts';
import { openstackHttp } from './targets/openstack-http.ts';
import { labelRoundTrip, logLines, packetRoundTrip } from './targets/properties.ts';
import { databaseUrls, nameTemplates } from './targets/short-texts.ts';
import { sshKeys } from './targets/ssh-keys.ts';
import { zmqEvents } from './targets/zmq-events.ts';

export const ALL_TARGETS: readonly FuzzTarget[] = [
  ...[gearmanCodec, gearmanLines, gearmanClient, gearmanWorker, gearmanAdmin, zmqEvents],
  ...[nodepoolYaml, cloudsYaml, secureConf, loggingConf, nameTemplates, databaseUrls],
  ...[jenkinsAnswers, jenkinsHttp, openstackAnswers, openstackHttp, sshKeys],
  ...[packetRoundTrip, labelRoundTrip, logLines],
];
