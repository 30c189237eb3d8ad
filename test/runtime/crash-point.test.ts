import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CRASH_POINTS, CrashTrigger } from '../../src/runtime/crash-point.ts';

function passedInSources(): readonly string[] {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const texts = files.map((name) => readFileSync(join('src', name), 'utf8'));
  return texts.flatMap((text) => [...text.matchAll(/crashPoint\('([^']+)'\)/g)].map(([, name = '']) => name));
}

describe('the table of crash points', () => {
  test('holds each point that the code passes, and no other, so that a crash test misses none', () => {
    expect([...new Set(passedInSources())].sort()).toEqual([...CRASH_POINTS].sort());
  });

  test('names each place in the code once, so that a crash says where it was', () => {
    const passed = passedInSources();

    expect(passed.filter((name, index) => passed.indexOf(name) !== index)).toEqual([]);
  });
});

describe('CrashTrigger', () => {
  test('kills at the passing that it was told, and at that only', () => {
    const kills: string[] = [];
    const trigger = new CrashTrigger('launched:2', () => kills.push('killed'));

    trigger.pass('launched');
    trigger.pass('agent-made');
    const early = [...kills];
    trigger.pass('launched');
    trigger.pass('launched');

    expect(early).toEqual([]);
    expect(kills).toEqual(['killed']);
  });

  test('kills at the first passing where no number is given', () => {
    const kills: string[] = [];

    new CrashTrigger('launched', () => kills.push('killed')).pass('launched');

    expect(kills).toEqual(['killed']);
  });

  test('lets a call go out before it kills at a point of its sending', async () => {
    const killed = new Promise<string>((resolve) => {
      new CrashTrigger('create-sent', () => {
        resolve('killed');
      }).pass('create-sent');
    });

    const first = await Promise.race([Promise.resolve('the call'), killed]);

    expect(first).toBe('the call');
    expect(await killed).toBe('killed');
  });

  test.each(['nowhere', 'launched:0', 'launched:often'])('refuses "%s", which would never kill', (order) => {
    expect(() => new CrashTrigger(order, () => undefined)).toThrow(/There is no crash point|Cannot count to/);
  });
});
