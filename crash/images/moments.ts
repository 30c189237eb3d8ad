import { BUILDER_POINTS, DIB_POINTS } from '../../src/runtime/crash-point.ts';

/** Who is killed. `glance`: the cloud of one of the two providers. */
export const IMAGE_VICTIMS = ['builder', 'nodepoold', 'gearmand', 'postgres', 'glance'] as const;
export type ImageVictim = (typeof IMAGE_VICTIMS)[number];

/** A moment of a build or of an upload: our program that comes by stops there, and goes on when the victim is dead. */
export type Moment = (typeof DIB_POINTS)[number] | (typeof BUILDER_POINTS)[number];

/** One kill of the matrix. */
export type ImageKill = { readonly victim: ImageVictim; readonly moment: Moment };

/** The five moments at which each victim is killed first: those at which its death costs most. */
export const MATRIX: Readonly<Record<ImageVictim, readonly [Moment, ...Moment[]]>> = {
  builder: ['dib-half-published', 'dib-runs', 'dib-files-made', 'upload-half-sent', 'upload-active'],
  nodepoold: ['upload-reported', 'dib-row-made', 'dib-runs', 'dib-reported', 'upload-half-sent'],
  gearmand: ['dib-published', 'dib-job-sent', 'dib-runs', 'upload-half-sent', 'upload-active'],
  postgres: ['dib-reported', 'dib-row-made', 'dib-runs', 'upload-half-sent', 'upload-reported'],
  glance: ['upload-half-sent', 'dib-published', 'upload-record-made', 'upload-active', 'upload-deletion-sent'],
};

/** Passed only after another failure. */
const OF_FAILURES: readonly Moment[] = ['dib-failure-stored', 'upload-failure-stored'];
/** Passed only when a third build is ready: two are kept. */
const OF_OLD_BUILDS: readonly Moment[] = [
  'upload-deletion-sent',
  'upload-gone',
  'upload-removed',
  'dib-removal-sent',
  'dib-files-gone',
  'dib-removed',
  'dib-files-removed',
];

/** Those that a build without fault passes. */
export const MOMENTS: readonly Moment[] = [...DIB_POINTS, ...BUILDER_POINTS].filter(
  (point) => !OF_FAILURES.includes(point),
);

export function isOfOldBuilds(moment: Moment): boolean {
  return OF_OLD_BUILDS.includes(moment);
}

/** Whether the builder passes it, and not the daemon. */
export function isOfBuilder(moment: Moment): boolean {
  return BUILDER_POINTS.some((point) => point === moment);
}
