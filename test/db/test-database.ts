import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Secret } from '../../src/runtime/secret.ts';

/** An empty database of the run's private Postgres; dropped, whoever is still connected, when disposed. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: Secret;
  readonly name: string;
  /** Runs SQL behind the code's back. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
}

export async function makeTestDatabase(host: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asSuperuser(host, 'postgres', (client) => client.query(`create database ${name}`));
  const client = new pg.Client({ host, user: 'nodepool', database: name });
  client.on('error', () => undefined); // tests end its connection too
  await client.connect();
  return {
    name,
    url: new Secret(`postgresql://nodepool@/${name}?host=${host}`),
    query: async <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []) =>
      (await client.query<Row>(sql, [...values])).rows,
    [Symbol.asyncDispose]: async () => {
      await client.end();
      await asSuperuser(host, 'postgres', (admin) => admin.query(`drop database ${name} with (force)`));
    },
  };
}

async function asSuperuser(
  host: string,
  database: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ host, user: 'nodepool', database });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
