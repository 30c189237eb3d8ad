import { redact } from './redact.ts';
import { Secret } from './secret.ts';

const SHOWN_CHARS = 4_000;

/** Makes lines that a program printed fit to be shown: without secrets and control characters, of bounded length. */
export class OutputCleaner {
  readonly #secrets: readonly Secret[];

  constructor(secrets: readonly Secret[]) {
    this.#secrets = secrets.flatMap(spellings);
  }

  /** Blank lines are left out. Many lines at once cost hardly more than one. */
  clean(lines: readonly string[]): readonly string[] {
    return this.redact(lines.join('\n')).split('\n').flatMap(shown);
  }

  /** The text without the secrets. */
  redact(text: string): string {
    return redact(text, this.#secrets);
  }
}

function shown(bare: string): readonly string[] {
  const line = bare.replaceAll(/\p{Cc}/gu, ' ').trimEnd();
  if (line === '') return [];
  return [line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS)} …` : line];
}

/** A secret as the lines of a shell show it: each of its lines, and how `set -x` and `declare -p` quote them. */
function spellings(secret: Secret): readonly Secret[] {
  const lines = secret.reveal().split(/[\r\n]+/);
  return lines.flatMap((line) => {
    const forms = new Set([
      line.trim(),
      line,
      line.replaceAll("'", String.raw`'\''`),
      line.replaceAll(/["$`\\]/g, String.raw`\$&`),
      line.replaceAll(/[^\w@%+=:,./-]/g, String.raw`\$&`),
    ]);
    return [...forms].map((form) => new Secret(form));
  });
}
