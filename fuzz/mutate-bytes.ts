import { mutateJson } from './mutate-json.ts';
import type { SeededRandomness } from './seeded-randomness.ts';

/** Longest input, huge ones included. */
export const MAX_INPUT_BYTES = 2 * 1024 * 1024;
const HUGE_BYTES = 512 * 1024;

const ODD_WORDS = [
  ...['\0', '\r\n', '\n', '\t', ' ', '"', "'", '\\', '%', '%%', '{', '}', '[', ']', '<', '>', '&', ';', ':', '=', '#'],
  ...['${x}', '$(id)', '`id`', '{0}', '%s', '__proto__', 'constructor', '../', '&#0;', '&#x110000;', '&#99999999;'],
  ...['-1', '4294967296', '9007199254740993', '1e999', 'NaN', 'null', 'true', '-----BEGIN ', '*a', '&a', '<<:', '!!'],
].map((word) => Buffer.from(word));
const ODD_BYTES = [
  ...[
    'ff',
    'c0af',
    'eda080',
    'f4908080',
    'efbfbd',
    'efbbbf',
    'ffffffff',
    '7fffffff',
    '80000000',
    '00000000',
    '1b5b324a',
  ],
].map((hex) => Buffer.from(hex, 'hex'));

/** What a mutation can draw on. */
export type Material = {
  readonly corpus: readonly Buffer[];
  readonly words: readonly Buffer[];
};

type Mutation = (input: Buffer, material: Material, randomness: SeededRandomness) => Buffer;

/** One input: something of the corpus with a few things wrong. The same randomness makes the same input. */
export function makeInput(material: Material, randomness: SeededRandomness): Buffer {
  const chosen = material.corpus.length === 0 ? Buffer.alloc(0) : randomness.pick(material.corpus);
  let input = randomness.isOneIn(2) ? withMutatedJson(chosen, randomness) : chosen;
  const rounds = input === chosen ? 1 + randomness.below(6) : randomness.below(3);
  for (let round = 0; round < rounds; round += 1) {
    const mutation = randomness.isOneIn(150) ? repeatHugely : randomness.pick(MUTATIONS);
    input = mutation(input, material, randomness).subarray(0, MAX_INPUT_BYTES);
  }
  return input.subarray(0, MAX_INPUT_BYTES);
}

/** If the input ends in a JSON document (alone, after headers, after a topic), that document is mutated as such. */
function withMutatedJson(input: Buffer, randomness: SeededRandomness): Buffer {
  const text = input.toString('latin1');
  const start = /(?:^|\n| )(?=[[{])/.exec(text);
  if (start === null) return input;
  const at = start.index + start[0].length;
  try {
    const document: unknown = JSON.parse(input.subarray(at).toString());
    return Buffer.concat([input.subarray(0, at), Buffer.from(mutateJson(document, randomness))]);
  } catch {
    return input; // it only looked like one
  }
}

const flipBits: Mutation = (input, _, randomness) => {
  const flipped = Buffer.from(input);
  if (flipped.length === 0) return flipped;
  for (let times = 1 + randomness.below(8); times > 0; times -= 1) {
    const at = randomness.below(flipped.length);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << randomness.below(8));
  }
  return flipped;
};

const truncate: Mutation = (input, _, randomness) => input.subarray(0, randomness.below(input.length + 1));

const cutOut: Mutation = (input, _, randomness) => {
  const { start, end } = pieceOf(input, randomness);
  return Buffer.concat([input.subarray(0, start), input.subarray(end)]);
};

const double: Mutation = (input, _, randomness) => {
  const { start, end } = pieceOf(input, randomness);
  return Buffer.concat([input.subarray(0, end), input.subarray(start)]);
};

const splice: Mutation = (input, { corpus }, randomness) => {
  const other = corpus.length === 0 ? input : randomness.pick(corpus);
  return Buffer.concat([
    input.subarray(0, randomness.below(input.length + 1)),
    other.subarray(randomness.below(other.length + 1)),
  ]);
};

const insertWord: Mutation = (input, { words }, randomness) => {
  const word = randomness.pick(randomness.pick([ODD_WORDS, ODD_BYTES, words.length === 0 ? ODD_WORDS : words]));
  const at = randomness.below(input.length + 1);
  return Buffer.concat([input.subarray(0, at), word, input.subarray(at)]);
};

const overwrite: Mutation = (input, { words }, randomness) => {
  const word = randomness.pick(randomness.pick([ODD_BYTES, ODD_WORDS, words.length === 0 ? ODD_BYTES : words]));
  const at = randomness.below(input.length + 1);
  return Buffer.concat([input.subarray(0, at), word, input.subarray(at + word.length)]);
};

/** A length field, wherever it stands, says something else. */
const changeNumber: Mutation = (input, _, randomness) => {
  const text = input.toString('latin1');
  const numbers = [...text.matchAll(/\d+/g)];
  if (numbers.length === 0) return input;
  const found = randomness.pick(numbers);
  const number = randomness.pick([
    '0',
    '-1',
    '1',
    '65536',
    '2147483648',
    '18446744073709551616',
    '1e309',
    '007',
    '9'.repeat(30),
  ]);
  return Buffer.from(text.slice(0, found.index) + number + text.slice(found.index + found[0].length), 'latin1');
};

/** Opens many times what is never closed. */
const nest: Mutation = (input, _, randomness) => {
  const at = randomness.below(input.length + 1);
  const opener = randomness.pick(['[', '{', '(', '{"a":', '- ', '<a>', '[[', '"', "'", '<launcher>', '  ']);
  return Buffer.concat([
    input.subarray(0, at),
    Buffer.from(opener.repeat(1 + randomness.below(4000))),
    input.subarray(at),
  ]);
};

/** Half a megabyte of the same: whatever takes the square of the length shows. */
const repeatHugely: Mutation = (input, material, randomness) => {
  const { start, end } = pieceOf(input, randomness);
  const word = randomness.pick(randomness.pick([ODD_WORDS, material.words.length === 0 ? ODD_WORDS : material.words]));
  const piece = randomness.isOneIn(2) ? word : input.subarray(start, Math.min(end, start + 64));
  if (piece.length === 0) return input;
  const many = Buffer.alloc(HUGE_BYTES, piece);
  return Buffer.concat([input.subarray(0, start), many, input.subarray(start)]);
};

const MUTATIONS = [flipBits, truncate, cutOut, double, splice, insertWord, insertWord, overwrite, changeNumber, nest];

function pieceOf(input: Buffer, randomness: SeededRandomness): { readonly start: number; readonly end: number } {
  const start = randomness.below(input.length + 1);
  return {
    start,
    end: Math.min(input.length, start + 1 + randomness.below(randomness.isOneIn(3) ? input.length + 1 : 16)),
  };
}
