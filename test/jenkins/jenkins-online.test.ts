import { expect, test } from 'vitest';
import { HastyClock } from '../fakes/hasty-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { recorded } from '../fakes/recorded-jenkins.ts';
import { agentsUnderTest } from './agents-under-test.ts';

const UP = { with: recorded('01-auth-and-reads', 'quietingDown') };
const QUIET = { with: recorded('01-auth-and-reads', 'after quietDown') };
const CUT = { to: UP.with.path, with: 'cut' } as const;

test('Jenkins is offline while it quiets down or does not answer, and each change is logged once with its reason', async () => {
  await using ci = await agentsUnderTest([UP, QUIET, QUIET, CUT, CUT, CUT, CUT, UP, UP]);

  const seen: boolean[] = [];
  for (let pass = 0; pass < 7; pass += 1) seen.push(await ci.agents.isOnline(neverAborted));

  expect(seen).toEqual([true, false, false, false, false, true, true]);
  expect(ci.log.messages('warn')).toEqual([
    'Jenkins of target "ci" is offline: It is quieting down',
    expect.stringMatching(/^Jenkins of target "ci" is offline: Jenkins of target "ci" does not answer GetInfoTask/),
  ]);
  expect(ci.log.messages('info')).toEqual(['Jenkins of target "ci" is online']);
});

test('a Jenkins that refuses our password is offline, not an error', async () => {
  const refused = { to: 'GET /api/json', with: recorded('01-auth-and-reads', 'bad password') };
  await using ci = await agentsUnderTest([refused], { secret: 'WRONG' });

  expect(await ci.agents.isOnline(neverAborted)).toBe(false);
  expect(ci.log.messages('warn')[0]).toContain('Invalid password/token');
});

test('an answer without the field is no proof that Jenkins is online', async () => {
  const other = { to: 'GET /api/json', with: recorded('13-crumbs', 'useCrumbs') };
  await using ci = await agentsUnderTest([other]);

  expect(await ci.agents.isOnline(neverAborted)).toBe(false);
});

test('a Jenkins that lets us read but not change counts as offline for a minute, then is tried again', async () => {
  const refused = { to: 'POST /computer/n1/changeOfflineCause', with: recorded('13-crumbs', 'anonymous') };
  const clock = new HastyClock();
  await using ci = await agentsUnderTest([refused, UP, UP], { clock });

  await expect(ci.agents.setOffline('n1', 'x', neverAborted)).rejects.toThrow('permission or crumb');

  expect(await ci.agents.isOnline(neverAborted)).toBe(false);
  for (let seconds = 0; seconds < 60; seconds += 20) await clock.sleep(20_000);
  expect(await ci.agents.isOnline(neverAborted)).toBe(true);
});

test('an aborted question is aborted, not answered', async () => {
  const stop = new AbortController();
  await using ci = await agentsUnderTest([{ to: UP.with.path, with: 'hang' }]);

  const asked = ci.agents.isOnline(stop.signal);
  await ci.jenkins.untilRequests(1);
  stop.abort(new Error('Shutting down'));

  await expect(asked).rejects.toThrow('Shutting down');
  expect(ci.log.entries).toEqual([]);
});
