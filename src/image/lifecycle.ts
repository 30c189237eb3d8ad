/** Image: what nodes are launched from, its life, and what keeps it. */

/** Every legal change of a snapshot image's state (upstream uses 1, 2 and 4 of its numbers). */
export const IMAGE_LIFECYCLE = {
  building: { built: 'ready', failed: 'delete', deleted: 'delete' },
  ready: { deleted: 'delete', superseded: 'delete', rolledBack: 'delete' },
  delete: {},
} as const;

export type ImageState = keyof typeof IMAGE_LIFECYCLE;
export type ImageEvent<S extends ImageState = ImageState> = S extends ImageState
  ? keyof (typeof IMAGE_LIFECYCLE)[S]
  : never;

/** The state `event` leads to, or undefined where it does not apply. */
export function nextImageState(state: ImageState, event: ImageEvent): ImageState | undefined {
  const exits: Partial<Record<ImageEvent, ImageState>> = IMAGE_LIFECYCLE[state];
  return exits[event];
}
