import { ProtocolError } from '../../runtime/errors.ts';
import { HEADER_BYTES, type Magic, MAX_DATA_BYTES, type Packet, PACKETS, type PacketType } from './packet.ts';

const MAGICS: readonly (readonly [Magic, Buffer])[] = [
  ['RES', Buffer.from('\0RES')],
  ['REQ', Buffer.from('\0REQ')],
];
const FIRST_CAPACITY = 64 * 1024;
const KEPT_CAPACITY = 1024 * 1024;

/** Turns the bytes of one connection, cut or joined anywhere, into packets. Holds at most one unfinished packet. */
export class PacketDecoder {
  readonly #nameOf = packetNames();
  #buffer = Buffer.alloc(FIRST_CAPACITY);
  #start = 0;
  #end = 0;

  /**
   * Takes further bytes and yields the packets that they complete. Iterate it at once: packets are cut out while one
   * iterates, so that those before a broken one are still delivered.
   * @throws {ProtocolError} while iterating: unknown magic or type, too much data, or a declared field is missing;
   * the connection cannot be read any further
   */
  push(bytes: Uint8Array): Iterable<Packet> {
    this.#append(bytes);
    return this.#packets();
  }

  /** True if the bytes so far end inside a packet. */
  get isInsidePacket(): boolean {
    return this.#end > this.#start;
  }

  *#packets(): Generator<Packet, void> {
    for (let packet = this.#next(); packet !== undefined; packet = this.#next()) yield packet;
  }

  #append(bytes: Uint8Array): void {
    const unread = this.#end - this.#start;
    if (this.#end + bytes.length > this.#buffer.length) {
      // Doubling keeps the copying linear even when a long packet comes byte by byte.
      const larger = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, 2 * unread, unread + bytes.length));
      this.#buffer.copy(larger, 0, this.#start, this.#end);
      this.#buffer = larger;
      this.#start = 0;
      this.#end = unread;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #next(): Packet | undefined {
    const unread = this.#buffer.subarray(this.#start, this.#end);
    const magic = readMagic(unread);
    if (magic === undefined || unread.length < HEADER_BYTES) return undefined;
    const type = this.#readType(unread);
    const size = unread.readUInt32BE(8);
    if (size > MAX_DATA_BYTES) throw new ProtocolError(`Cannot read ${type}: ${size} bytes are too many`);
    if (unread.length < HEADER_BYTES + size) return undefined;
    // A copy, because the buffer is used again.
    const data = Buffer.from(unread.subarray(HEADER_BYTES, HEADER_BYTES + size));
    this.#skip(HEADER_BYTES + size);
    return { magic, type, fields: splitFields(type, data) } as unknown as Packet; // splitFields gives as many as declared
  }

  #readType(unread: Buffer): PacketType {
    const number = unread.readUInt32BE(4);
    const type = this.#nameOf.get(number);
    if (type === undefined) throw new ProtocolError(`Cannot read packet: type ${number} is unknown`);
    return type;
  }

  #skip(bytes: number): void {
    this.#start += bytes;
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
    if (this.#buffer.length > KEPT_CAPACITY) this.#buffer = Buffer.alloc(FIRST_CAPACITY);
  }
}

/** Undefined while the bytes are too few to tell. */
function readMagic(unread: Buffer): Magic | undefined {
  for (const [magic, bytes] of MAGICS) {
    const seen = Math.min(unread.length, bytes.length);
    if (unread.compare(bytes, 0, seen, 0, seen) === 0) return seen === bytes.length ? magic : undefined;
  }
  throw new ProtocolError(`Cannot read packet: it starts with ${unread.subarray(0, 4).toString('hex')}`);
}

/** The last field is opaque and may hold NULs, so only the first n - 1 NULs part fields. */
function splitFields(type: PacketType, data: Buffer): readonly Buffer[] {
  const declared = PACKETS[type].fields;
  if (declared.length === 0) {
    if (data.length > 0) throw new ProtocolError(`Cannot read ${type}: it has ${data.length} bytes of data`);
    return [];
  }
  const fields: Buffer[] = [];
  let start = 0;
  for (const name of declared.slice(1)) {
    const nul = data.indexOf(0, start);
    if (nul === -1) throw new ProtocolError(`Cannot read ${type}: field "${name}" is missing`);
    fields.push(data.subarray(start, nul));
    start = nul + 1;
  }
  return [...fields, data.subarray(start)];
}

function packetNames(): ReadonlyMap<number, PacketType> {
  const names = Object.keys(PACKETS) as PacketType[]; // the keys of a constant
  return new Map(names.map((name) => [PACKETS[name].number, name]));
}
