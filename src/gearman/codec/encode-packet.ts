import { type FieldsOf, HEADER_BYTES, type Magic, MAX_DATA_BYTES, PACKETS, type PacketType } from './packet.ts';

/** What a field may be given as; text is sent as UTF-8. */
export type FieldValue = string | Uint8Array;

/**
 * The bytes of one packet. Every declared field must be given, even if empty: gearmand cuts the connection of a worker
 * that leaves out the NUL before an empty result.
 * @throws {RangeError} a field other than the last holds a NUL, or the data is longer than `MAX_DATA_BYTES`
 */
export function encodePacket<T extends PacketType>(magic: Magic, type: T, fields: FieldsOf<T, FieldValue>): Buffer {
  const data = joinFields(type, fields as readonly FieldValue[]); // FieldsOf is a tuple of these for every T
  if (data.length > MAX_DATA_BYTES) {
    throw new RangeError(`Cannot encode ${type}: ${data.length} bytes are more than ${MAX_DATA_BYTES}`);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(magic, 1, 'latin1');
  header.writeUInt32BE(PACKETS[type].number, 4);
  header.writeUInt32BE(data.length, 8);
  return Buffer.concat([header, data]);
}

const NUL = Buffer.alloc(1);

function joinFields(type: PacketType, fields: readonly FieldValue[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const [index, field] of fields.entries()) {
    const bytes = typeof field === 'string' ? Buffer.from(field) : field;
    const last = index === fields.length - 1;
    if (!last && bytes.includes(0)) {
      throw new RangeError(`Cannot encode ${type}: field "${PACKETS[type].fields[index] ?? index}" holds a NUL`);
    }
    parts.push(bytes);
    if (!last) parts.push(NUL);
  }
  return Buffer.concat(parts);
}
