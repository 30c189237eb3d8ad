import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { labelOf, launcherHost, withLabel } from '../../src/jenkins/agent-config-xml.ts';
import { RequestRefusedError, TransientProviderError } from '../../src/provider/errors.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { type Exchange, recorded, RECORDED_SECRETS } from '../fakes/recorded-jenkins.ts';
import { agentsUnderTest, aNewAgent } from './agents-under-test.ts';

const PAGE = recorded('01-auth-and-reads', 'nonexistent node');
const POST = 'POST /computer/n1/changeOfflineCause';
const NO_CRUMB = { to: POST, with: recorded('13-crumbs', 'password, nothing else') };

function page(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Exchange {
  return { ...PAGE, status, headers: { 'content-type': 'text/html', ...headers }, body };
}

function json(body: string): Exchange {
  return page(200, body, { 'content-type': 'application/json' });
}

describe('an agent document', () => {
  test.each(['&#99999999;', '&#x110000;', '&#x;', `&#${'9'.repeat(400)};`])(
    'with %s, which is no letter, is read',
    (entity) => {
      expect(labelOf(`<slave><label>a${entity}</label></slave>`)).toBe(`a${entity}`);
    },
  );

  test('with letters written as numbers gives the letters, in upper and lower case', () => {
    expect(labelOf('<slave><label>&#x41;&#X42;&#67;</label></slave>')).toBe('ABC');
  });

  test('with a million beginnings of a launcher and no end is read in an instant', () => {
    expect(launcherHost('<launcher '.repeat(1_000_000))).toBeUndefined();
    expect(launcherHost('<launcher>'.repeat(1_000_000))).toBeUndefined();
  });

  test('takes any label and changes nothing else: no label can end its element', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (label) => {
        const xml = withLabel('<slave><name>n</name><label>x</label></slave>', label);

        expect(labelOf(xml)).toBe(label);
        expect(xml.replace(/<label>[^<]*<\/label>/, '')).toBe('<slave><name>n</name></slave>');
      }),
    );
  });

  test('that is cut short is not sent back: the change is tried again later', async () => {
    await using ci = await agentsUnderTest([
      { to: 'GET /computer/n1/config.xml', with: page(200, '<slave><na', { 'content-type': 'application/xml' }) },
    ]);

    await expect(ci.agents.relabel('n1', 'x', neverAborted)).rejects.toThrow(TransientProviderError);
  });
});

describe('a crumb', () => {
  test.each([
    ['without a field', '{"crumb":"x"}'],
    ['for a header that cannot be', String.raw`{"crumb":"x","crumbRequestField":"a\r\nb"}`],
    ['that cannot be sent', String.raw`{"crumb":"x\r\nHost: y","crumbRequestField":"a"}`],
  ])('%s fails that call only, as something that may pass', async (_, body) => {
    const fetched = { to: 'GET /crumbIssuer/api/json', with: json(body) };
    await using ci = await agentsUnderTest([NO_CRUMB, fetched], { secret: 'PASSWORD' });

    await expect(ci.agents.setOffline('n1', 'x', neverAborted)).rejects.toThrow('without a crumb');
  });
});

describe('a page that gives back the request', () => {
  const basic = Buffer.from(`jenkins:${RECORDED_SECRETS.APITOKEN}`).toString('base64');
  const echo = `Authorization: Basic ${basic} (${RECORDED_SECRETS.APITOKEN})`;

  test.each([
    ['in its title', page(500, `<html><title>${echo}</title></html>`)],
    ['in X-Error', page(400, '', { 'x-error': echo })],
    ['in a redirect', page(302, '', { location: `/login?from=${echo}` })],
    ['in its content type', page(200, 'x', { 'content-type': `text/html; ${echo}` })],
    ['as broken JSON', json(`{"Basic ${basic}`)],
  ])('%s does not show the key in our message', async (_, answer) => {
    await using ci = await agentsUnderTest([{ to: 'GET /computer/api/json', with: answer }]);

    const message = await ci.agents.list(neverAborted).then(String, String);

    expect(message).toContain('Error');
    expect(message).not.toContain(RECORDED_SECRETS.APITOKEN);
    expect(message).not.toContain(basic.slice(4, -4));
  });
});

describe('a list', () => {
  test('of a million odd agents is refused with one line', async () => {
    const body = `{"computer":[${'{},'.repeat(1_000_000)}{}]}`;
    await using ci = await agentsUnderTest([{ to: 'GET /computer/api/json', with: json(body) }]);

    const message = await ci.agents.list(neverAborted).then(String, String);

    expect(message).toContain('Cannot read the answer of Jenkins');
    expect(message.length).toBeLessThan(600);
  });

  test('without end is given up at 16 MiB', async () => {
    const body = ' '.repeat(17 * 1024 * 1024);
    await using ci = await agentsUnderTest([{ to: 'GET /computer/api/json', with: json(body) }]);

    await expect(ci.agents.list(neverAborted)).rejects.toThrow('The answer is longer than 16777216 bytes');
  });
});

test('whatever a node, a label or a host is called, it reaches Jenkins as that name and nothing else', async () => {
  const names = ['../../doDelete', 'a/b?c=d&e#f', 'n 1\r\nHost: evil', "'); DROP", '%2e%2e', '<x>&"', '\u0001é😀'];
  for (const name of names) {
    const refused = page(400, '');
    await using ci = await agentsUnderTest([
      { to: 'POST /computer/doCreateItem', with: refused },
      { to: `GET /computer/${encodeURIComponent(name)}/api/json`, with: page(404, '') },
    ]);

    const ensured = ci.agents.ensure(aNewAgent(name, { label: name, host: name }), neverAborted);
    await expect(ensured).rejects.toThrow(RequestRefusedError);
    await ci.agents.find(name, neverAborted);

    const [created = '', found] = ci.jenkins.requests;
    const form = new URL(created.slice(5), 'http://x').searchParams;
    expect(form.get('name')).toBe(name);
    expect(JSON.parse(form.get('json') ?? '')).toMatchObject({ name, labelString: name, launcher: { host: name } });
    expect(found?.split('?')[0]).toBe(`GET /computer/${encodeURIComponent(name)}/api/json`);
  }
});
