import { ALLOCATION } from './allocation.ts';
import { CHURN } from './churn.ts';
import { DELETIONS } from './deletions.ts';
import { DEMAND } from './demand.ts';
import { EVENTS } from './events.ts';
import { IMAGES } from './images.ts';
import { LAUNCHES } from './launches.ts';
import { LIST } from './list.ts';
import { MEMORY } from './memory.ts';
import type { Topic } from './measurement.ts';
import { UPLOAD } from './upload.ts';

export const ALL_TOPICS: readonly Topic[] = [
  ALLOCATION,
  EVENTS,
  DELETIONS,
  DEMAND,
  LAUNCHES,
  LIST,
  MEMORY,
  IMAGES,
  UPLOAD,
  CHURN,
];
