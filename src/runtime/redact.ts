import { Secret } from './secret.ts';

/** Shorter ones would take away parts of ordinary words. */
const SHORTEST = 4;
/** Of a part in base64, which may be text by chance. */
const SHORTEST_PART = 8;
const REDACTED = String(new Secret(''));

/**
 * The text without the secrets. Peers may give back what we sent them (error pages that show the request): as it is, in
 * base64, percent-encoded, as a JSON text or in HTML.
 */
export function redact(text: string, secrets: readonly Secret[]): string {
  const spellings = new Set(secrets.flatMap((secret) => spellingsOf(secret.reveal())));
  // The longest first: one secret may be a part of another.
  const inTurn = [...spellings].filter((spelling) => spelling.length >= SHORTEST).sort((a, b) => b.length - a.length);
  return inTurn.reduce((redacted, spelling) => redacted.replaceAll(spelling, REDACTED), text);
}

function spellingsOf(secret: string): readonly string[] {
  const percent = encodeURIComponent(Buffer.from(secret).toString());
  const strict = percent.replaceAll(/['()*!~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const html = secret
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  return [
    ...asJson(secret),
    ...base64Of(secret).flatMap((base64) => [base64, base64.replaceAll('+', '-').replaceAll('/', '_')]),
    ...[percent, strict, strict.replaceAll('%2F', '/')].flatMap((code) => [
      ...[code, code.replaceAll('%20', '+')],
      code.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
    ]),
    ...['&#39;', '&#x27;', '&apos;', "'"].map((apostrophe) => html.replaceAll("'", apostrophe)),
  ];
}

/** Alone, and what stays the same of it behind other bytes (`user:secret`, a whole request). */
function base64Of(secret: string): readonly string[] {
  const alone = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  const inside = ['', 'x', 'xx'].map((before) => {
    const whole = Buffer.from(`${before}${secret}`).toString('base64').replace(/=+$/, '');
    return whole.slice(before === '' ? 0 : 4, -4);
  });
  return [alone, ...inside.filter((part) => part.length >= SHORTEST_PART)];
}

/** As it is, and as text in a JSON text, in one in another, and in one more: an answer that quotes our request does that. */
function asJson(secret: string): readonly string[] {
  const once = JSON.stringify(secret).slice(1, -1);
  const twice = JSON.stringify(once).slice(1, -1);
  return [secret, once, twice, JSON.stringify(twice).slice(1, -1)];
}
