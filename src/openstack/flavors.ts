import * as z from 'zod';
import { RequestRefusedError } from '../provider/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { ApiCaller } from './api-caller.ts';
import { parseBody } from './parse-body.ts';
import { queryOf, readPages } from './read-pages.ts';
import { Remembered } from './remembered.ts';
import { listOf } from '../runtime/list-of.ts';

const FlavorPage = z.object({
  flavors: listOf(
    z.object({
      id: z.string(),
      name: z.string(),
      ram: z.number(),
      vcpus: z.number().catch(0), // bounds nothing then
      'OS-FLV-DISABLED:disabled': z.boolean().optional(),
    }),
  ),
  flavors_links: listOf(z.object({ rel: z.string(), href: z.string() })).optional(),
});

export type Flavor = {
  readonly id: string;
  readonly name: string;
  readonly ramMib: number;
  readonly cores: number;
  readonly disabled: boolean;
};

/** The flavors of one provider. */
export class Flavors {
  readonly #provider: string;
  readonly #list: Remembered<readonly Flavor[]>;

  /** @param closing ends a read under way */
  constructor(provider: string, deps: { readonly api: ApiCaller; readonly clock: Clock }, closing: AbortSignal) {
    this.#provider = provider;
    this.#list = new Remembered(() => readFlavors(deps.api, closing), deps.clock);
  }

  /**
   * The smallest flavor with at least that RAM whose name contains `filter`; of equals the first in Nova's order
   * (upstream: findFlavor).
   * @throws {RequestRefusedError} there is none
   */
  async find(minRamMib: number, filter: string | undefined, signal: AbortSignal): Promise<Flavor> {
    const flavor = await this.#list.find((flavors) => smallest(flavors, minRamMib, filter), signal);
    if (flavor !== undefined) return flavor;
    const named = filter === undefined ? '' : ` whose name contains "${filter}"`;
    throw new RequestRefusedError(`No flavor of "${this.#provider}" has ${minRamMib} MiB of RAM or more${named}`);
  }

  forget(): void {
    this.#list.forget();
  }
}

function smallest(flavors: readonly Flavor[], minRamMib: number, filter = ''): Flavor | undefined {
  return flavors
    .filter((flavor) => !flavor.disabled && flavor.ramMib >= minRamMib && flavor.name.includes(filter))
    .sort((a, b) => a.ramMib - b.ramMib)[0];
}

async function readFlavors(api: ApiCaller, signal: AbortSignal): Promise<readonly Flavor[]> {
  return await readPages((query) =>
    api.call(
      {
        name: 'FlavorList',
        service: 'compute',
        method: 'GET',
        path: `/flavors/detail${query === undefined ? '' : `?${query}`}`,
        repeatable: true,
        accept: query === undefined ? [] : [400],
        read: (answer) => {
          if (answer.status === 400) return 'marker-gone';
          const page = parseBody(FlavorPage, answer);
          const link = page.flavors_links?.find((each) => each.rel === 'next')?.href;
          return definedOnly({
            items: page.flavors.map(toFlavor),
            next: queryOf(link),
          });
        },
      },
      signal,
    ),
  );
}

function toFlavor(body: z.output<typeof FlavorPage>['flavors'][number]): Flavor {
  const { id, name, ram, vcpus } = body;
  return { id, name, ramMib: ram, cores: vcpus, disabled: body['OS-FLV-DISABLED:disabled'] === true };
}
