import { z } from 'zod';
import { hasCredentialsId, labelOf, launcherHost, withLabel } from '../../src/jenkins/agent-config-xml.ts';
import {
  classifyJenkinsFailure,
  isFormSuccess,
  type JenkinsAnswer,
  jsonOf,
  saysAlreadyExists,
  wantsCrumb,
} from '../../src/jenkins/jenkins-answer.ts';
import { readCrumb } from '../../src/jenkins/jenkins-crumb.ts';
import { parseAgent, parseAgents } from '../../src/jenkins/parse-agents.ts';
import { CredentialsRefusedError, RequestRefusedError, TransientProviderError } from '../../src/provider/errors.ts';
import { type ByteTarget, promise } from '../fuzz-target.ts';
import { recordedAnswers } from '../fixtures.ts';

const ASKED = { target: 'ci', task: 'ListNodesTask' };
const CONFIG_XML = `<?xml version='1.1' encoding='UTF-8'?>
<slave>
  <name>n1</name>
  <launcher class="hudson.plugins.sshslaves.SSHLauncher" plugin="ssh-slaves@1.31">
    <host>192.0.2.7</host><port>22</port><credentialsId>node-key</credentialsId>
  </launcher>
  <label>trusty &amp; &#x41; &#66;</label>
</slave>`;

export const jenkinsAnswers: ByteTarget = {
  kind: 'bytes',
  name: 'jenkins-answers',
  about: "Jenkins' JSON, pages, crumbs and config.xml, read apart from the connection",
  corpus: () =>
    [CONFIG_XML, ...recordedAnswers('jenkins').map(({ bytes }) => bodyOf(bytes))].map((text) => Buffer.from(text)),
  words: [
    '<title>',
    '</title>',
    '<label>',
    '<label/>',
    '<launcher>',
    '<launcher ',
    '</launcher>',
    '<host>',
    '&#x',
    '&amp;',
    '</slave>',
  ],
  mayThrow: [TransientProviderError, CredentialsRefusedError, RequestRefusedError],
  feed: (input) => {
    const text = input.toString();
    readXml(text);
    for (const status of [200, 302, 400, 403, 500]) readAnswer(anAnswer(status, text));
    readAgents(jsonOf(ASKED, anAnswer(200, text)));
  },
};

/** What is wrong with a list is a ZodError, which the caller translates. */
function readAgents(json: unknown): void {
  try {
    for (const agent of parseAgents(json)) promise(typeof agent.nodename === 'string', 'An agent has no name');
    parseAgent(json);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
  }
}

function readXml(text: string): void {
  launcherHost(text);
  hasCredentialsId(text);
  labelOf(text);
  if (!/<\/slave>\s*$/.test(text)) return;
  promise(labelOf(withLabel(text, '$& <x> "1"')) === '$& <x> "1"', 'A label comes back as another');
}

function readAnswer(answer: JenkinsAnswer): void {
  const error = classifyJenkinsFailure(ASKED, answer);
  promise(error.message.length < 1000, 'A message is too long for a log');
  wantsCrumb(answer);
  saysAlreadyExists(answer);
  isFormSuccess(answer);
  if (answer.status !== 200) return;
  try {
    const crumb = readCrumb(ASKED, answer);
    for (const [name, value] of Object.entries(crumb?.headers ?? {})) {
      promise(/^[\w!#$%&'*+.^`|~-]+$/.test(name), 'A crumb makes a header without a name');
      promise(/^[\t -~\u0080-\u00ff]*$/.test(value), 'A crumb makes a header that cannot be sent');
    }
  } catch (error) {
    if (!(error instanceof TransientProviderError)) throw error;
  }
}

function anAnswer(status: number, text: string): JenkinsAnswer {
  return {
    status,
    text,
    contentType: 'application/json;charset=utf-8',
    location: text.slice(0, 100),
    xError: status === 400 ? text.slice(0, 2000) : undefined,
    retryAfterMs: undefined,
    setCookies: [text.slice(0, 50).replaceAll(/[^\t -~]/g, '')],
  };
}

function bodyOf(bytes: Buffer): string {
  const text = bytes.toString();
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}
