/** A secret that no text holds by chance, with signs that JSON, URLs, HTML and shells write otherwise. */
export function aSecret(name: string): string {
  return `S3cr3t-${name}/"&<'+ %`;
}

/** The secret as peers give it back: as it is, in base64 wherever it stands, in URLs, JSON and HTML. */
export function echoesOf(secret: string): readonly string[] {
  const html = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    ...[secret, html, html.replaceAll("'", '&#39;'), html.replaceAll("'", '&#x27;')],
    ...[json, JSON.stringify(json).slice(1, -1)],
    ...[encodeURIComponent(secret), encodeURIComponent(secret).replaceAll('%20', '+')],
    ...['', 'x', 'xx'].map((before) => Buffer.from(`${before}${secret}`).toString('base64')),
  ];
}

/** What must be in no output: those, a part of one, and a part of the secret that is written the same everywhere. */
function tracesOf(secret: string): readonly string[] {
  const [plain = secret] = /^[\w-]+/.exec(secret) ?? [];
  return [
    plain,
    secret,
    base64Core('', plain),
    base64Core('x', plain),
    base64Core('xx', plain),
    Buffer.from(plain).toString('hex'),
  ];
}

/** What base64 makes of the secret after that many other bytes, without the ends, which depend on its neighbours. */
function base64Core(before: string, secret: string): string {
  return Buffer.from(`${before}${secret}`)
    .toString('base64')
    .replace(/=+$/, '')
    .slice(before.length === 0 ? 0 : 4, -4);
}

/** Which of the secrets the text holds, by name. */
export function secretsIn(text: string, secrets: ReadonlyMap<string, string>): readonly string[] {
  const found = [...secrets].filter(([, secret]) => tracesOf(secret).some((trace) => text.includes(trace)));
  return found.map(([name]) => name);
}
