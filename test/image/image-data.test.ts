import { expect, test } from 'vitest';
import { parseImageData } from '../../src/image/image-data.ts';

const BUILD = { id: 1, image: 'trusty', formats: ['qcow2'], state_time: 0 };
const FILE = { format: 'nodepool-image-data', version: 1, builds: [BUILD], images: [] };

test.each([
  ['{"a": 1', /^The file is no JSON$/],
  ['{"dibImages": 5}', /^The file is no image data: format: .*; version: .*; and \d more$/],
  [JSON.stringify({ ...FILE, builds: [{ ...BUILD, id: 'one' }] }), /^The file is no image data: builds\.0\.id: [^;]*$/],
  [JSON.stringify({ ...FILE, builds: [BUILD, BUILD] }), /^The file has disk image 1 twice$/],
])('a file that we did not write is refused in one short line with the place: %s', (text, message) => {
  expect(() => parseImageData(text)).toThrow(message);
});
