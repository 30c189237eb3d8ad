import { expect, test } from 'vitest';
import { hasCredentialsId, labelOf, launcherHost, withLabel } from '../../src/jenkins/agent-config-xml.ts';
import { recorded } from '../fakes/recorded-jenkins.ts';

const CONFIG = recorded('03-node-lifecycle', 'get config.xml').body;
const WITHOUT_LABEL = recorded('14-names-labels-fields', 'config.xml without a label').body;
const SWITCHED_OFF = recorded('12-change-offline-cause', 'config.xml carries the flag').body;

test('reads host, label and credential of a recorded document', () => {
  expect(launcherHost(CONFIG)).toBe('127.0.0.1');
  expect(labelOf(CONFIG)).toBe('centos6');
  expect(hasCredentialsId(CONFIG)).toBe(true);
  expect(hasCredentialsId(recorded('02-nodes', 'config.xml of username/privatekey node').body)).toBe(false);
});

test('a launcher without a host has none, even if something else in the document has one', () => {
  expect(
    launcherHost('<slave><launcher class="hudson.slaves.JNLPLauncher"></launcher><host>a</host></slave>'),
  ).toBeUndefined();
});

test.each([
  ['a label', CONFIG],
  ['an empty label', WITHOUT_LABEL],
  ['a self-closed label', WITHOUT_LABEL.replace('<label></label>', '<label/>')],
  ['no label element', WITHOUT_LABEL.replace('  <label></label>\n', '')],
  ['a cause of being offline', SWITCHED_OFF],
])('replaces the label of a document with %s, and nothing else', (_, xml) => {
  const relabelled = withLabel(xml, 'trusty extra');

  expect(labelOf(relabelled)).toBe('trusty extra');
  expect(relabelled.replaceAll(/\s*<label>.*<\/label>/g, '')).toBe(
    xml.replaceAll(/\s*(<label>.*<\/label>|<label\/>)/g, ''),
  );
});

test('a label is text: nothing in it becomes markup or a replacement pattern', () => {
  const label = `a&b <c> "d" 'e' $& $1`;

  const relabelled = withLabel(CONFIG, label);

  expect(relabelled).toContain('<label>a&amp;b &lt;c&gt;');
  expect(labelOf(relabelled)).toBe(label);
});

test('reads escaped characters by name and by number', () => {
  expect(labelOf('<slave><label>&lt;&#252;&#x65E5;&amp;lt;</label></slave>')).toBe('<ü日&lt;');
});
