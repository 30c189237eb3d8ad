import { test } from 'vitest';
import { expectKept, FAULT_MS } from './expect-kept.ts';

test(
  'an image that vanishes under launches is told of, and the one before it serves at once',
  async () => {
    await expectKept('image-deleted');
  },
  FAULT_MS,
);

test(
  'a network that has another name is told of, and launches go on when it has its name again',
  async () => {
    await expectKept('network-renamed');
  },
  FAULT_MS,
);

test(
  'a delete that was accepted and forgotten is told of and sent again',
  async () => {
    await expectKept('delete-never');
  },
  FAULT_MS,
);

test(
  'a server that is listed and not found a moment later costs one launch, and its machine goes all the same',
  async () => {
    await expectKept('listed-then-404');
  },
  FAULT_MS,
);

test(
  'lists whose servers vanish between pages cost no node',
  async () => {
    await expectKept('pages-shift');
  },
  FAULT_MS,
);
