import type { Cause } from '../node/cause.ts';
import { andAlive, andHeld } from './daemon-fence.ts';
import type { Noted } from './history-sql.ts';
import { changeWithHistory, describeFacts, stateWordSql } from './history-sql.ts';
import type { Columns, SqlFacts } from './sql-text.ts';
import { assignments, selectList, SqlParameters } from './sql-text.ts';
import { fromEpochSeconds, stateWord, toEpochSeconds } from './state-numbers.ts';
import type { ChangedTable, StoreDeps } from './store-deps.ts';

/** What all things with a lifecycle have in common. */
type Living<State extends string> = { readonly id: number; readonly state: State; readonly stateChangedAt: Date };

/** How things with a lifecycle lie in their table. */
export type TableShape<State extends string, Thing extends Living<State>, Facts extends object> = {
  readonly table: ChangedTable;
  readonly subject: 'node' | 'image' | 'dib-image';
  /** Rises with every change: what compare-and-set compares. */
  readonly versionColumn: string;
  readonly numbers: Readonly<Record<State, number>>;
  /** What is set with the row; state and state time are everywhere the same. */
  readonly fixed: Columns<Omit<Required<Thing>, keyof Facts | 'state' | 'stateChangedAt'>>;
  readonly facts: Columns<Required<Facts>>;
  readonly orderBy: string;
  /** SQL: names by which what may be left of a removed row is known outside. */
  readonly names: string;
  /** Which daemon works on the row: no other one may store facts. Absent: only one daemon works on the table. */
  readonly ownerColumn?: string;
};

/** One step of a thing's lifecycle, as its table has it. */
export type Move<State extends string, Facts> = {
  readonly event: string;
  readonly to: State;
  readonly cause: Cause;
  readonly facts: SqlFacts<Facts>;
  /** Sets the owner; null: nobody. Absent: it stays. */
  readonly owner?: string | null | undefined;
};

/** A table whose rows move by a lifecycle. Each change is one statement, which writes the history too. */
export class VersionedTable<State extends string, Thing extends Living<State>, Facts extends object> {
  readonly #shape: TableShape<State, Thing, Facts>;
  readonly #deps: StoreDeps;
  readonly #select: string;

  constructor(shape: TableShape<State, Thing, Facts>, deps: StoreDeps) {
    this.#shape = shape;
    this.#deps = deps;
    this.#select = `select ${selectList({ ...shape.fixed, ...shape.facts, state: 'state', stateTime: 'state_time' })}`;
  }

  find(id: number): Promise<Thing | undefined> {
    return this.findWhere('where id = $1', new SqlParameters(id));
  }

  /** The first row of `where … order by …`. */
  async findWhere(end: string, parameters: SqlParameters): Promise<Thing | undefined> {
    return (await this.#things(`${this.#select} from ${this.#shape.table} ${end} limit 1`, parameters))[0];
  }

  /** In the table's order; `where` may be empty. */
  async listWhere(where: string, parameters: SqlParameters): Promise<readonly Thing[]> {
    const { table, orderBy } = this.#shape;
    return this.#things(`${this.#select} from ${table} ${where} order by ${orderBy}`, parameters);
  }

  /** The first row of `from`, after the `with …` in `head`: for what is neither event nor fact, and leaves the version. */
  async findFrom(head: string, from: string, parameters: SqlParameters): Promise<Thing | undefined> {
    return (await this.#things(`${head} ${this.#select} from ${from}`, parameters))[0];
  }

  /** Runs an `insert … returning *` of rows in state `building`; ids rise with the rows. */
  insert(change: string, cause: Cause, parameters: SqlParameters): Promise<readonly Thing[]> {
    return this.#change(change, { event: 'inserted', to: `'building'`, cause }, parameters);
  }

  /** Compare-and-set: undefined if the row is gone or has another version. */
  async move(thing: Thing, version: number, move: Move<State, Facts>): Promise<Thing | undefined> {
    const { table, versionColumn, numbers, facts: columns } = this.#shape;
    const { event, to, cause, facts, owner } = move;
    const parameters = new SqlParameters(thing.id, version, numbers[to], toEpochSeconds(this.#deps.clock.now()));
    const change = `
      update ${table} set ${versionColumn} = ${versionColumn} + 1, state = $3, state_time = $4
        ${assignments(columns, facts, parameters)} ${this.#ownerAssignment(owner, parameters)}
      where id = $1 and ${versionColumn} = $2 ${this.#guard(parameters)} returning *`;
    return (await this.#change(change, { event, from: `'${thing.state}'`, to: `'${to}'`, cause }, parameters))[0];
  }

  /** Stores facts whatever the version is now; undefined: the row is gone. */
  async record(id: number, facts: SqlFacts<Facts>): Promise<Thing | undefined> {
    const { table, versionColumn, facts: columns } = this.#shape;
    const parameters = new SqlParameters(id);
    const stored = assignments(columns, facts, parameters);
    if (stored === '') return this.find(id);
    const change = `
      update ${table} set ${versionColumn} = ${versionColumn} + 1 ${stored}
      where id = $1 ${this.#guard(parameters)} ${this.#andOwn(parameters)} returning *`;
    const cause = { who: this.#deps.program, why: describeFacts(facts) };
    return (await this.#change(change, { event: 'recorded', cause }, parameters))[0];
  }

  /**
   * Sets columns to what SQL makes of them, whatever the version is now; undefined: the row is gone.
   * @param change of the row whose id is `$1`
   */
  async note(
    id: number,
    change: string,
    { event, cause, parameters }: Pick<Noted, 'event' | 'cause'> & { readonly parameters: SqlParameters },
  ): Promise<Thing | undefined> {
    const { table, versionColumn } = this.#shape;
    const sql = `
      update ${table} set ${versionColumn} = ${versionColumn} + 1, ${change}
      where id = $1 ${this.#guard(parameters)} returning *`;
    return (await this.#change(sql, { event, cause }, parameters)).find((thing) => thing.id === id);
  }

  async remove(id: number, cause: Cause): Promise<void> {
    const parameters = new SqlParameters(id);
    const change = `delete from ${this.#shape.table} where id = $1 ${this.#guard(parameters)} returning *`;
    const from = stateWordSql(this.#shape.numbers);
    const names = `array_remove(${this.#shape.names}, null)`;
    await this.#change(change, { event: 'removed', from, names, cause }, parameters);
  }

  async #change(
    change: string,
    noted: Omit<Noted, 'at' | 'subject'>,
    parameters: SqlParameters,
  ): Promise<readonly Thing[]> {
    const { table, subject } = this.#shape;
    const head = changeWithHistory(change, { ...noted, at: this.#deps.clock.now(), subject }, parameters);
    const things = await this.#things(`${head} ${this.#select} from changed order by id`, parameters);
    const ids = things.map((thing) => thing.id);
    if (ids.length > 0) this.#deps.onChanged(table, ids);
    else await this.#deps.fence?.check();
    return things;
  }

  /** Rows with owners are taken over row by row, which no late statement survives; for the others the fence is held. */
  #guard(parameters: SqlParameters): string {
    const and = this.#shape.ownerColumn === undefined ? andHeld : andAlive;
    return and(this.#deps.fence, parameters);
  }

  #andOwn(parameters: SqlParameters): string {
    const { ownerColumn } = this.#shape;
    const { fence } = this.#deps;
    if (ownerColumn === undefined || fence === undefined) return '';
    return `and (${ownerColumn} is null or ${ownerColumn} = ${parameters.add(fence.daemonId)})`;
  }

  #ownerAssignment(owner: string | null | undefined, parameters: SqlParameters): string {
    const { ownerColumn } = this.#shape;
    return owner === undefined || ownerColumn === undefined ? '' : `, ${ownerColumn} = ${parameters.add(owner)}`;
  }

  async #things(sql: string, parameters: SqlParameters): Promise<readonly Thing[]> {
    const rows = await this.#deps.pool.rows<StoredRow>(sql, parameters.values);
    return rows.map((row) => this.#toThing(row));
  }

  /** Filled property by property: lists of 10,000 rows come through here, and spreading makes each slow and three times as large. */
  #toThing(row: StoredRow): Thing {
    const thing: Record<string, unknown> = {};
    for (const property in row) {
      // What is absent is absent, not null.
      if (row[property] !== null && property !== 'stateTime') thing[property] = row[property];
    }
    thing['state'] = stateWord(this.#shape.numbers, row.state);
    thing['stateChangedAt'] = fromEpochSeconds(row.stateTime);
    return thing as unknown as Thing; // the columns of TableShape are the keys of Thing
  }
}

type StoredRow = { readonly [property: string]: unknown; readonly state: number; readonly stateTime: number };
