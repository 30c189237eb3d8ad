import { expect, test } from 'vitest';
import { parseTree, pruneByTree } from '../../../devfarm/jenkins/tree-parameter.ts';

const VALUE = {
  _class: 'Set',
  busy: 1,
  computer: [
    { _class: 'Agent', name: 'a', executors: [{ idle: true, number: 0 }], cause: { _class: 'Cause', text: 'x' } },
    { _class: 'Agent', name: 'b', executors: [], cause: null },
  ],
};

const prune = (tree: string): unknown => pruneByTree(VALUE, parseTree(tree));

test('keeps what is named, in the order of the object, and every class', () => {
  expect(JSON.stringify(prune('computer[executors[idle],name],busy'))).toBe(
    '{"_class":"Set","busy":1,"computer":[{"_class":"Agent","name":"a","executors":[{"idle":true}]},{"_class":"Agent","name":"b","executors":[]}]}',
  );
});

test('an inner object without brackets shows its class only, an absent one is null', () => {
  expect(prune('computer[cause]')).toEqual({
    _class: 'Set',
    computer: [
      { _class: 'Agent', cause: { _class: 'Cause' } },
      { _class: 'Agent', cause: null },
    ],
  });
});

test.each([
  ['computer[name]{0,1}', ['a']],
  ['computer[name]{1,2}', ['b']],
  ['computer[name]{0,9}', ['a', 'b']],
])('a range takes a part: %s', (tree, names) => {
  const { computer } = prune(tree) as { computer: { name: string }[] };

  expect(computer.map(({ name }) => name)).toEqual(names);
});

test('unknown names are left out silently', () => {
  expect(prune('nosuch,computer[nosuch[deeper]]{0,1}')).toEqual({ _class: 'Set', computer: [{ _class: 'Agent' }] });
});

test.each(['computer[name', 'computer]', 'computer[name]]', 'a{1'])('%s is no tree', (text) => {
  expect(() => parseTree(text)).toThrow(`Cannot read tree "${text}"`);
});
