import { expect, test } from 'vitest';
import { parseProjectXml } from '../../../devfarm/jenkins/parse-project-xml.ts';
import { recorded } from '../../fakes/recorded-jenkins.ts';

test('reads the recorded project: parameters with defaults, label, shell step', () => {
  expect(parseProjectXml('gate-unit', recorded('04-jobs-zmq', 'create job').requestBody)).toEqual({
    name: 'gate-unit',
    label: 'centos6',
    command: 'echo hello from $NODE_NAME; sleep ${SLEEP:-1}',
    parameters: { ZUUL_UUID: '', SLEEP: '1' },
    disabled: false,
    concurrent: true,
  });
});

test('a label parameter is the one that names the node to run on', () => {
  const xml = `<project><properties><hudson.model.ParametersDefinitionProperty><parameterDefinitions>
<org.jvnet.jenkins.plugins.nodelabelparameter.LabelParameterDefinition plugin="nodelabelparameter@1.7.2">
<name>NODE</name><defaultValue></defaultValue></org.jvnet.jenkins.plugins.nodelabelparameter.LabelParameterDefinition>
</parameterDefinitions></hudson.model.ParametersDefinitionProperty></properties>
<builders><hudson.tasks.Shell><command>test 1 -lt 2 &amp;&amp; echo &quot;ok&quot; &gt; f</command></hudson.tasks.Shell></builders></project>`;

  expect(parseProjectXml('check', xml)).toMatchObject({
    nodeParameter: 'NODE',
    parameters: { NODE: '' },
    command: 'test 1 -lt 2 && echo "ok" > f',
  });
});

test('an empty project does nothing', () => {
  expect(parseProjectXml('empty', '<project/>')).toEqual({
    name: 'empty',
    command: '',
    parameters: {},
    disabled: false,
    concurrent: false,
  });
});
