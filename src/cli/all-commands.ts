import type { Command } from './command.ts';
import { configValidate } from './commands/config-validate.ts';
import { db } from './commands/db.ts';
import { deleteCommand } from './commands/delete.ts';
import { history } from './commands/history.ts';
import { hold } from './commands/hold.ts';
import { imageDelete } from './commands/image-delete.ts';
import { imageList } from './commands/image-list.ts';
import { imageUpdate } from './commands/image-update.ts';
import { list } from './commands/list.ts';

/** Every command, in the order of the help. */
export const ALL_COMMANDS: readonly Command[] = [
  list,
  hold,
  deleteCommand,
  history,
  imageList,
  imageUpdate,
  imageDelete,
  configValidate,
  db,
];
