import { ALLOCATION } from './allocation.ts';
import { EVENTS } from './events.ts';
import type { Topic } from './measurement.ts';

export const ALL_TOPICS: readonly Topic[] = [ALLOCATION, EVENTS];
