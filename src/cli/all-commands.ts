import type { Command } from './command.ts';
import { alienImageList } from './commands/alien-image-list.ts';
import { alienList } from './commands/alien-list.ts';
import { configValidate } from './commands/config-validate.ts';
import { daemonList } from './commands/daemon-list.ts';
import { db } from './commands/db.ts';
import { deleteCommand } from './commands/delete.ts';
import { dibImageDelete } from './commands/dib-image-delete.ts';
import { dibImageList } from './commands/dib-image-list.ts';
import { erase } from './commands/erase.ts';
import { freeze, thaw } from './commands/freeze.ts';
import { history } from './commands/history.ts';
import { hold } from './commands/hold.ts';
import { imageBuild } from './commands/image-build.ts';
import { exportImageData, importImageData } from './commands/image-data.ts';
import { imageDelete } from './commands/image-delete.ts';
import { imageList } from './commands/image-list.ts';
import { imagePause, imageUnpause } from './commands/image-pause.ts';
import { imageStatus } from './commands/image-status.ts';
import { imageUpdate } from './commands/image-update.ts';
import { imageUpload } from './commands/image-upload.ts';
import { info } from './commands/info.ts';
import { list } from './commands/list.ts';
import { reap } from './commands/reap.ts';

/** Every command, in the order of the help. */
export const ALL_COMMANDS: readonly Command[] = [
  list,
  hold,
  deleteCommand,
  history,
  imageList,
  dibImageList,
  imageStatus,
  imageUpdate,
  imageBuild,
  imageUpload,
  imageDelete,
  dibImageDelete,
  imagePause,
  imageUnpause,
  exportImageData,
  importImageData,
  alienList,
  alienImageList,
  reap,
  freeze,
  thaw,
  daemonList,
  info,
  erase,
  configValidate,
  db,
];
