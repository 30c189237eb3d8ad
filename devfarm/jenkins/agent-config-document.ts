import type { AgentRecord, OfflineFlag } from './farm-records.ts';

const DOCUMENT_START = /^\s*<(\?xml|slave)\b/;

/** An agent's config.xml, as Jenkins writes it. */
export function agentConfigDocument(record: AgentRecord, user: string): string {
  return `<?xml version="1.1" encoding="UTF-8"?>
<slave>
${record.offline === undefined ? '' : offlineElement(record.offline, user)}  <name>${escape(record.id)}</name>
  <description>${escape(record.description)}</description>
  <remoteFS>${escape(record.remoteFolder)}</remoteFS>
  <numExecutors>${record.executors}</numExecutors>
  <mode>${record.mode}</mode>
  <retentionStrategy class="hudson.slaves.RetentionStrategy$Always"/>
  <launcher class="hudson.plugins.sshslaves.SSHLauncher" plugin="ssh-slaves@1.31.5">
    <host>${escape(record.host)}</host>
    <port>${record.port}</port>
${optional('credentialsId', record.credentialsId)}    <launchTimeoutSeconds>60</launchTimeoutSeconds>
    <maxNumRetries>10</maxNumRetries>
    <retryWaitTime>15</retryWaitTime>
${record.hostKeyStrategy === undefined ? '' : `    <sshHostKeyVerificationStrategy class="${escape(record.hostKeyStrategy)}"/>\n`}  </launcher>
  <label>${escape(record.label)}</label>
  <nodeProperties/>
</slave>`;
}

/** What a posted document changes; undefined: it is no XML. One cut short counts as whole, as in Jenkins. */
export function parseAgentConfigDocument(xml: string): Partial<AgentRecord> | undefined {
  if (!DOCUMENT_START.test(xml)) return undefined;
  const afterOffline = xml.replace(/<temporaryOfflineCause[\s\S]*?<\/temporaryOfflineCause>/, '');
  const port = textOf(afterOffline, 'port');
  const credentialsId = textOf(afterOffline, 'credentialsId');
  return {
    description: textOf(afterOffline, 'description') ?? '',
    remoteFolder: textOf(afterOffline, 'remoteFS') ?? '',
    mode: textOf(afterOffline, 'mode') ?? 'NORMAL',
    label: textOf(afterOffline, 'label') ?? '',
    host: textOf(afterOffline, 'host') ?? '',
    ...(port !== undefined && { port: Number(port) }),
    ...(credentialsId !== undefined && { credentialsId }),
  };
}

function offlineElement(flag: OfflineFlag, user: string): string {
  return `  <temporaryOfflineCause class="hudson.slaves.OfflineCause$${flag.by}">
    <timestamp>${flag.atMs}</timestamp>
    <description>
      <holder>
        <owner>hudson.slaves.Messages</owner>
      </holder>
      <key>SlaveComputer.DisconnectedBy</key>
      <args>
        <string>${escape(user)}</string>
        <string> : ${escape(flag.message)}</string>
      </args>
    </description>
    <userId>${escape(user)}</userId>
  </temporaryOfflineCause>
`;
}

function optional(element: string, text: string | undefined): string {
  return text === undefined ? '' : `    <${element}>${escape(text)}</${element}>\n`;
}

function textOf(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^<]*)(</${element}>|$)`).exec(xml)?.[1];
  return text === undefined ? undefined : unescape(text);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function unescape(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (whole, name: string) => named[name] ?? whole);
}
