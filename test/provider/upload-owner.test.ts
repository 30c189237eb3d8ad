import { expect, test } from 'vitest';
import { parseOwner } from '../../src/provider/owner-metadata.ts';
import { isMadeByUpload, uploadProperties } from '../../src/provider/upload-owner.ts';

const OWNER = { provider: 'wmf', image: 'trusty', buildId: 3, uploadId: 7, installation: 'inst-1' };

test('an uploaded image bears its provider, image, build, upload and installation, all as text', () => {
  expect(uploadProperties({ ...OWNER, nodepoolId: 'np' })).toEqual({
    nodepool_provider_name: 'wmf',
    nodepool_image_name: 'trusty',
    nodepool_build_id: '3',
    nodepool_upload_id: '7',
    nodepool_installation: 'inst-1',
    nodepool_id: 'np',
  });
});

test('an image is found by the upload that made it, and not by that of another installation with the same number', () => {
  const properties = uploadProperties(OWNER);

  expect(isMadeByUpload(properties, { installation: 'inst-1', uploadId: 7 })).toBe(true);
  expect(isMadeByUpload(properties, { installation: 'inst-1', uploadId: 8 })).toBe(false);
  expect(isMadeByUpload(properties, { installation: 'inst-2', uploadId: 7 })).toBe(false);
  expect(isMadeByUpload({}, { installation: 'inst-1', uploadId: 7 })).toBe(false);
});

test('an uploaded image is not taken for one that a build server was saved as', () => {
  expect(parseOwner(uploadProperties(OWNER))).toBeUndefined();
});
