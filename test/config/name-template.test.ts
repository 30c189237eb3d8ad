import { expect, test } from 'vitest';
import { nodenameHas, renderTemplate, templateFault, templateHas } from '../../src/config/name-template.ts';

test('fields are filled in and doubled braces become single ones, as by str.format', () => {
  const name = renderTemplate('{{x}}-{label.name}-{provider.name}-{node_id}', {
    'label.name': 'trusty',
    'provider.name': 'east',
    node_id: 7,
  });

  expect(name).toBe('{x}-trusty-east-7');
});

test('a value with braces is not filled in again', () => {
  expect(renderTemplate('{label.name}', { 'label.name': '{node_id}' })).toBe('{node_id}');
});

test('a field without a value is an error and no part of a host name', () => {
  expect(() => renderTemplate('{label.name}-{node_id}', { 'label.name': 'a' })).toThrow('field "node_id" has no value');
  expect(() => renderTemplate('{constructor}', {})).toThrow('field "constructor" has no value');
});

test.each([
  ['{label.name}-{node_id}', 'hostname', undefined],
  ['{image.name}-{timestamp}.example.org', 'hostname', undefined],
  ['template-{image.name}-{timestamp}', 'template-hostname', undefined],
  ['{image.id}-{provider.region_name}', 'template-hostname', undefined],
  ['{subnode_id}', 'subnode-hostname', undefined],
  ['plain', 'hostname', undefined],
  ['', 'hostname', undefined],
  ['{subnode_id}', 'hostname', 'Unknown field "{subnode_id}"'],
  ['{node_id}', 'template-hostname', 'Unknown field "{node_id}"'],
  ['{node.id}', 'hostname', 'Unknown field "{node.id}"'],
  ['{}', 'hostname', 'Unknown field "{}"'],
  ['{node_id:05}', 'hostname', 'Unknown field "{node_id:05}"'],
  ['{label.name!r}', 'hostname', 'Unknown field "{label.name!r}"'],
  ['{label.name', 'hostname', '"{" has no partner'],
  ['a}b', 'hostname', '"}" has no partner'],
] as const)('template %j under "%s": %s', (template, key, fault) => {
  if (fault === undefined) expect(templateFault(template, key)).toBeUndefined();
  else expect(templateFault(template, key)).toContain(fault);
});

test('the node name ends at the first dot of the text, not at the dot inside a field', () => {
  expect(nodenameHas('{label.name}-{node_id}.slave', 'node_id')).toBe(true);
  expect(nodenameHas('{label.name}.{node_id}', 'node_id')).toBe(false);
  expect(templateHas('{label.name}.{node_id}', 'node_id')).toBe(true);
});
