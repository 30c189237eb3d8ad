/** Makes the root file system of the farm's machines, while packages can be had: in the cloud's network there are none. */
import { ensureBaseTar } from '../../../devfarm/instances/base-image.ts';
import { detectHostMode } from '../../../devfarm/instances/host-mode.ts';

await ensureBaseTar({}, await detectHostMode());
