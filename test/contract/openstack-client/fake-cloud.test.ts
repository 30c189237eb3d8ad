import { systemClock } from '../../../src/runtime/clock.ts';
import { FakeCloud } from '../../fakes/fake-cloud.ts';
import { describeCloudProvider, type TriedCloud } from './cloud-provider-contract.ts';
import { describeImageUpload } from './image-upload-contract.ts';

const imageId = '21008f49-e8aa-4f6f-9f10-613ce2764531';

// The fake answers at once and its servers move at each look, so no time passes on this clock.
function startFakeCloud(): Promise<TriedCloud> {
  const provider = new FakeCloud({ images: [{ id: imageId, name: 'base', status: 'active', properties: {} }] });
  return Promise.resolve({
    provider,
    clock: systemClock,
    imageId,
    imageName: 'base',
    failNextBoot: (fault) => {
      provider.failNextBoot(fault);
      return Promise.resolve();
    },
    allowServers: (most) => {
      provider.maxInstances = most;
      return Promise.resolve();
    },
    failNextSnapshot: () => {
      provider.failNextSnapshot();
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => provider.close(),
  });
}

describeCloudProvider('FakeCloud', startFakeCloud);
describeImageUpload('FakeCloud', startFakeCloud);
