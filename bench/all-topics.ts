import { ALLOCATION } from './allocation.ts';
import { EVENTS } from './events.ts';
import { LAUNCHES } from './launches.ts';
import type { Topic } from './measurement.ts';

export const ALL_TOPICS: readonly Topic[] = [ALLOCATION, EVENTS, LAUNCHES];
