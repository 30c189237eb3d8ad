/**
 * The binary Gearman protocol as pure data: what packets there are, and bytes to packets and back.
 * Known to nobody but its users; another program than Nodepool may use it.
 */

/** Every packet type we know: its number and its declared fields, in order (Gearman PROTOCOL). */
export const PACKETS = {
  CAN_DO: { number: 1, fields: ['function'] },
  CANT_DO: { number: 2, fields: ['function'] },
  RESET_ABILITIES: { number: 3, fields: [] },
  PRE_SLEEP: { number: 4, fields: [] },
  NOOP: { number: 6, fields: [] },
  SUBMIT_JOB: { number: 7, fields: ['function', 'unique', 'data'] },
  JOB_CREATED: { number: 8, fields: ['handle'] },
  GRAB_JOB: { number: 9, fields: [] },
  NO_JOB: { number: 10, fields: [] },
  JOB_ASSIGN: { number: 11, fields: ['handle', 'function', 'data'] },
  WORK_STATUS: { number: 12, fields: ['handle', 'numerator', 'denominator'] },
  WORK_COMPLETE: { number: 13, fields: ['handle', 'data'] },
  WORK_FAIL: { number: 14, fields: ['handle'] },
  GET_STATUS: { number: 15, fields: ['handle'] },
  ECHO_REQ: { number: 16, fields: ['data'] },
  ECHO_RES: { number: 17, fields: ['data'] },
  SUBMIT_JOB_BG: { number: 18, fields: ['function', 'unique', 'data'] },
  ERROR: { number: 19, fields: ['code', 'text'] },
  STATUS_RES: { number: 20, fields: ['handle', 'known', 'running', 'numerator', 'denominator'] },
  SUBMIT_JOB_HIGH: { number: 21, fields: ['function', 'unique', 'data'] },
  SET_CLIENT_ID: { number: 22, fields: ['name'] },
  CAN_DO_TIMEOUT: { number: 23, fields: ['function', 'milliseconds'] },
  WORK_EXCEPTION: { number: 25, fields: ['handle', 'data'] },
  OPTION_REQ: { number: 26, fields: ['option'] },
  OPTION_RES: { number: 27, fields: ['option'] },
  WORK_DATA: { number: 28, fields: ['handle', 'data'] },
  WORK_WARNING: { number: 29, fields: ['handle', 'data'] },
  GRAB_JOB_UNIQ: { number: 30, fields: [] },
  JOB_ASSIGN_UNIQ: { number: 31, fields: ['handle', 'function', 'unique', 'data'] },
  SUBMIT_JOB_HIGH_BG: { number: 32, fields: ['function', 'unique', 'data'] },
  SUBMIT_JOB_LOW: { number: 33, fields: ['function', 'unique', 'data'] },
  SUBMIT_JOB_LOW_BG: { number: 34, fields: ['function', 'unique', 'data'] },
  GRAB_JOB_ALL: { number: 39, fields: [] },
  JOB_ASSIGN_ALL: { number: 40, fields: ['handle', 'function', 'unique', 'reducer', 'data'] },
  GET_STATUS_UNIQUE: { number: 41, fields: ['unique'] },
  STATUS_RES_UNIQUE: { number: 42, fields: ['unique', 'known', 'running', 'numerator', 'denominator', 'clients'] },
} as const satisfies Record<string, { readonly number: number; readonly fields: readonly string[] }>;

export type PacketType = keyof typeof PACKETS;

/** `REQ` goes to a server, `RES` comes from it; geard sends some of its own packets with `REQ`. */
export type Magic = 'REQ' | 'RES';

/** Length of magic, type number and data size together. */
export const HEADER_BYTES = 12;

/** Most data bytes of one packet that we send or accept. */
export const MAX_DATA_BYTES = 64 * 1024 * 1024;

/** One value per declared field of the packet type: `FieldsOf<'WORK_COMPLETE', Buffer>` = `readonly [Buffer, Buffer]`. */
export type FieldsOf<T extends PacketType, Value> = Filled<(typeof PACKETS)[T]['fields'], Value>;
type Filled<Names extends readonly string[], Value> = { readonly [Index in keyof Names]: Value };

/** A packet of one type, as received. */
export type PacketOf<T extends PacketType> = {
  readonly magic: Magic;
  readonly type: T;
  readonly fields: FieldsOf<T, Buffer>;
};

/** Any packet as received; `type` tells which fields it has. */
export type Packet = { readonly [T in PacketType]: PacketOf<T> }[PacketType];

/** The job handle without the NUL that gearmand leaves on the WORK_FAIL which it makes from a WORK_EXCEPTION. */
export function bareHandle(handle: Buffer): Buffer {
  return handle.at(-1) === 0 ? handle.subarray(0, -1) : handle;
}
