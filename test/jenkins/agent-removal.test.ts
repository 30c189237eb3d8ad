import { expect, test } from 'vitest';
import { UnknownOutcomeError } from '../../src/provider/errors.ts';
import { HastyClock } from '../fakes/hasty-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { recorded } from '../fakes/recorded-jenkins.ts';
import { agentsUnderTest } from './agents-under-test.ts';

const DELETED = recorded('03-node-lifecycle', 'delete idle online node');
const STILL_THERE = { to: 'GET /computer/n5/api/json', with: recorded('03-node-lifecycle', 'temp offline JSON') };
const GONE = { to: 'GET /computer/n5/api/json', with: recorded('01-auth-and-reads', 'nonexistent node') };

test('an idle agent is seen to be gone without any wait, for its server is deleted after it', async () => {
  const clock = new HastyClock();
  await using ci = await agentsUnderTest([{ with: DELETED }, GONE], { clock });

  expect(await ci.agents.remove('n5', neverAborted)).toBe(true);
  expect(clock.slept).toEqual([]);
  expect(ci.jenkins.complaints).toEqual([]);
});

test('an agent that Jenkins does not know is gone already', async () => {
  await using ci = await agentsUnderTest([{ with: recorded('03-node-lifecycle', 'delete missing node') }]);

  expect(await ci.agents.remove('nosuch', neverAborted)).toBe(true);
});

test('an agent with a build stays listed for a while: only a 404 proves that it is gone', async () => {
  const clock = new HastyClock();
  await using ci = await agentsUnderTest([{ with: DELETED }, STILL_THERE, STILL_THERE, STILL_THERE, GONE], { clock });

  expect(await ci.agents.remove('n5', neverAborted)).toBe(true);
  expect(clock.slept).toEqual([100, 200, 400]);
});

test('an agent that does not go in a minute is reported as there, for the caller asks again', async () => {
  const clock = new HastyClock();
  await using ci = await agentsUnderTest([{ with: DELETED }, ...Array.from({ length: 60 }, () => STILL_THERE)], {
    clock,
  });

  expect(await ci.agents.remove('n5', neverAborted)).toBe(false);
  expect(clock.slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(60_000);
  expect(clock.slept.length).toBeGreaterThan(20);
});

test('a failure while looking is neither presence nor absence', async () => {
  const forbidden = recorded('01-auth-and-reads', 'anonymous read');
  await using ci = await agentsUnderTest([{ with: DELETED }, { to: 'GET /computer/n5/api/json', with: forbidden }]);

  await expect(ci.agents.remove('n5', neverAborted)).rejects.toThrow('permission or crumb');
});

test('a delete whose connection breaks is sent again, for it may be done twice', async () => {
  const to = 'POST /computer/n5/doDelete';
  const again = recorded('03-node-lifecycle', 'delete again');
  await using ci = await agentsUnderTest([
    { to, with: 'cut' },
    { to, with: again },
  ]);

  expect(await ci.agents.remove('n5', neverAborted)).toBe(true);
  expect(ci.jenkins.complaints).toEqual([]);
});

test('a delete whose answer is lost twice has an unknown outcome', async () => {
  const cut = { to: 'POST /computer/n5/doDelete', with: 'cut' } as const;
  await using ci = await agentsUnderTest([cut, cut]);

  await expect(ci.agents.remove('n5', neverAborted)).rejects.toThrow(UnknownOutcomeError);
  expect(ci.jenkins.unused).toBe(0);
});
