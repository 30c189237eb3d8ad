import { createHash } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../src/runtime/logger.ts';
import type { Randomness } from '../../src/runtime/randomness.ts';
import { FaultFile } from './fault-rule.ts';
import type { FaultEffect, FaultRule } from './fault-rule.ts';
import type { ServiceName } from './api-call.ts';

/** What a rule can ask about a request. */
export type FaultSubject = {
  readonly service: ServiceName;
  readonly method: string;
  readonly path: string;
  readonly names: readonly string[];
  readonly action: string | undefined;
};

type BoundRule = FaultRule & { readonly id: string };
type Tally = { matched: number; applied: number };

/** The rules of `faults.json`, which may be edited by hand at any time. How often each was met is kept in memory. */
export class FaultBook {
  readonly #path: string;
  readonly #deps: { readonly log: Logger; readonly randomness: Randomness };
  readonly #tallies = new Map<string, Tally>();
  #rules: readonly BoundRule[] = [];
  #version = '';

  constructor(stateDir: string, deps: { readonly log: Logger; readonly randomness: Randomness }) {
    this.#path = join(stateDir, 'faults.json');
    this.#deps = deps;
  }

  /** What the rules do to this request; of two rules that say the same thing the earlier one counts. */
  effectOn(subject: FaultSubject): FaultEffect {
    this.#reread();
    let effect: FaultEffect = {};
    for (const rule of this.#rules) {
      if (matches(rule, subject) && this.#isDue(rule)) effect = { ...rule.effect, ...effect };
    }
    return effect;
  }

  list(): readonly (BoundRule & Tally)[] {
    this.#reread();
    return this.#rules.map((rule) => ({ ...rule, ...this.#tallyOf(rule) }));
  }

  /** Adds rules at the end and forgets how often they were met before. */
  add(rules: readonly FaultRule[]): readonly BoundRule[] {
    this.#reread();
    const bound = rules.map((rule, place) => bind(rule, this.#rules.length + place));
    for (const { id } of bound) this.#tallies.delete(id);
    this.#write([...this.#rules.filter((rule) => !bound.some(({ id }) => id === rule.id)), ...bound]);
    return bound;
  }

  /** Removes one rule, or all. */
  remove(id: string | undefined): void {
    this.#reread();
    this.#write(id === undefined ? [] : this.#rules.filter((rule) => rule.id !== id));
    if (id === undefined) this.#tallies.clear();
    else this.#tallies.delete(id);
  }

  #write(rules: readonly BoundRule[]): void {
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(rules, undefined, 2)}\n`);
    renameSync(`${this.#path}.new`, this.#path);
    this.#reread();
  }

  #reread(): void {
    const stat = statSync(this.#path, { throwIfNoEntry: false, bigint: true });
    const version = stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`;
    if (version === this.#version) return;
    this.#version = version;
    try {
      const rules = stat === undefined ? [] : FaultFile.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      this.#rules = rules.map(bind);
    } catch (error) {
      this.#deps.log.warn('Cannot read the fault rules, keeping the old ones', { path: this.#path, error });
    }
  }

  #isDue(rule: BoundRule): boolean {
    const tally = this.#tallyOf(rule);
    tally.matched += 1;
    if (rule.nth !== undefined && tally.matched !== rule.nth) return false;
    if (rule.count !== undefined && tally.applied >= rule.count) return false;
    if (rule.probability !== undefined && this.#deps.randomness.fraction() >= rule.probability) return false;
    tally.applied += 1;
    return true;
  }

  #tallyOf(rule: BoundRule): Tally {
    const tally = this.#tallies.get(rule.id) ?? { matched: 0, applied: 0 };
    this.#tallies.set(rule.id, tally);
    return tally;
  }
}

function bind(rule: FaultRule, place: number): BoundRule {
  const made = createHash('md5')
    .update(`${place} ${JSON.stringify(rule)}`)
    .digest('hex')
    .slice(0, 12);
  return { ...rule, id: rule.id ?? made };
}

function matches({ match }: BoundRule, subject: FaultSubject): boolean {
  const { name, path } = match;
  return (
    (match.service === undefined || match.service === subject.service) &&
    (match.method === undefined || match.method.toUpperCase() === subject.method) &&
    (match.action === undefined || match.action === subject.action) &&
    (path === undefined || new RegExp(path).test(subject.path)) &&
    (name === undefined || subject.names.some((each) => new RegExp(name).test(each)))
  );
}
