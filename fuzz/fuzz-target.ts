import type fc from 'fast-check';

type ErrorClass = abstract new (...args: never[]) => Error;

/** A parser, or what hides one, that gets bytes which nobody thought of. */
export type ByteTarget = {
  readonly kind: 'bytes';
  readonly name: string;
  readonly about: string;
  /** Good inputs to begin with; those of `broken` past failures belong here too. */
  readonly corpus: () => readonly Buffer[];
  /** Pieces that mean something here, to be put in anywhere. */
  readonly words?: readonly string[];
  /**
   * Feeds one input.
   * @throws {FuzzFinding} a promise is broken
   */
  readonly feed: (input: Buffer) => Promise<void> | void;
  /** The room's own errors: exactly these classes, for a TypeError is an Error too. */
  readonly mayThrow: readonly ErrorClass[];
  /** Ends what `feed` has opened. */
  readonly close?: () => Promise<void>;
};

/** A promise about all values of some shape. */
export type PropertyTarget = {
  readonly kind: 'property';
  readonly name: string;
  readonly about: string;
  readonly property: () => fc.IRawProperty<unknown[]>;
};

export type FuzzTarget = ByteTarget | PropertyTarget;

/** Something was promised and does not hold: the input is a find. */
export class FuzzFinding extends Error {
  override readonly name = 'FuzzFinding';
}

/** @throws {FuzzFinding} `isSo` is false */
export function promise(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new FuzzFinding(what);
}

/** What broke, with the input that shows it. */
export type FuzzFailure = {
  readonly target: string;
  readonly what: string;
  readonly input: Buffer | undefined;
  /** Words after `npm run fuzz --` that show it again. */
  readonly again: readonly string[];
};

export type FuzzOutcome = { readonly inputs: number; readonly failure?: FuzzFailure };
