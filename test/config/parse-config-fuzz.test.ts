import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.ts';
import { aNodepoolYaml } from './config-texts.ts';

const KEYS = [
  ...[
    'labels',
    'providers',
    'targets',
    'diskimages',
    'cron',
    'webapp',
    'nodepoold',
    'zmq-publishers',
    'gearman-servers',
  ],
  ...[
    'name',
    'image',
    'images',
    'min-ready',
    'max-servers',
    'min-ram',
    'networks',
    'meta',
    'env-vars',
    'pools',
    'jenkins',
  ],
  ...[
    'hostname',
    'template-hostname',
    'cleanup',
    'rate',
    'port',
    'security-groups',
    'cloud',
    'clouds',
    'auth',
    'regions',
  ],
];

/** Values that are nearly a configuration: known keys over values of any kind. */
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(
      null,
      true,
      0,
      1,
      -1,
      1.5,
      1e300,
      '',
      'east',
      '{node_id}',
      '{',
      '* * * *',
      '1:30',
      '010',
      '__proto__',
    ),
    fc.string(),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('tree'), { maxKeys: 6 }),
  ),
}));

function parse(yaml: string, clouds = '', secure = '') {
  return parseConfig({
    yaml: { path: 'nodepool.yaml', text: yaml },
    secure: { path: 'secure.conf', text: secure },
    clouds: { clouds: { path: 'clouds.yaml', text: clouds } },
    environment: {},
  });
}

describe('whatever the files hold, faults say so and nothing is thrown', () => {
  test('values that are nearly a configuration', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(tree, tree, (yaml, clouds) => {
        const { config, faults } = parse(JSON.stringify(yaml), JSON.stringify(clouds));

        expect(config === undefined).toBe(faults.length > 0);
      }),
      { numRuns: 500 },
    );
  });

  test('any text', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, secure) => {
        expect(parse(text, text, secure).config).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test('a good file that lost or doubled a piece', { timeout: 60_000 }, () => {
    const good = aNodepoolYaml();

    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(40), fc.boolean(), (start, length, isDoubled) => {
        const piece = good.slice(start, start + length);
        const text = good.slice(0, start) + (isDoubled ? piece + piece : '') + good.slice(start + length);
        const { config, faults } = parse(text);

        expect(config === undefined).toBe(faults.length > 0);
        for (const { line, column } of faults) expect(Math.min(line, column)).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});
