import type { ImagePause, ImagePauseStore } from '../image/image-pause-store.ts';
import type { Cause } from '../node/cause.ts';
import type { StoreDeps } from './store-deps.ts';

const LIST_SQL = 'select image_name as "name", since, who from image_pause order by image_name collate "C"';
const PAUSE_SQL = `
  insert into image_pause (image_name, since, who) values ($1, $2, $3) on conflict (image_name) do nothing returning 1`;
const UNPAUSE_SQL = 'delete from image_pause where image_name = $1 returning 1';

/** What operators paused, in Postgres. */
export class PgImagePauseStore implements ImagePauseStore {
  readonly #deps: StoreDeps;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
  }

  list(): Promise<readonly ImagePause[]> {
    return this.#deps.pool.rows<ImagePause>(LIST_SQL);
  }

  async pause(name: string, { who }: Pick<Cause, 'who'>): Promise<boolean> {
    return (await this.#deps.pool.row(PAUSE_SQL, [name, this.#deps.clock.now(), who])) !== undefined;
  }

  async unpause(name: string): Promise<boolean> {
    const ended = (await this.#deps.pool.row(UNPAUSE_SQL, [name])) !== undefined;
    if (ended) this.#deps.onChanged('image_pause', []);
    return ended;
  }
}
