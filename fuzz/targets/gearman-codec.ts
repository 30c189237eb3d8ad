import { encodePacket } from '../../src/gearman/codec/encode-packet.ts';
import { HEADER_BYTES, type Packet, PACKETS } from '../../src/gearman/codec/packet.ts';
import { PacketDecoder } from '../../src/gearman/codec/packet-decoder.ts';
import { asError, ProtocolError } from '../../src/runtime/errors.ts';
import { type ByteTarget, promise } from '../fuzz-target.ts';
import { recordedPackets } from './gearman-recordings.ts';

const PIECE_BYTES = 7;

export const gearmanCodec: ByteTarget = {
  kind: 'bytes',
  name: 'gearman-codec',
  about: 'packets, whole and in pieces; what is read is written the same',
  corpus: () => [...recordedPackets(), Buffer.concat(recordedPackets())],
  words: ['\0REQ', '\0RES', '\0\0\0\x0a', '\0\0\0\x08', '\xff\xff\xff\xff', '\0\0\0\0'],
  mayThrow: [ProtocolError],
  feed: (input) => {
    const whole = decode([input]);
    const pieces = decode(piecesOf(input.subarray(0, 4096)));
    if (input.length <= 4096) promise(pieces.packets.length === whole.packets.length, 'It reads pieces otherwise');
    const written = Buffer.concat(whole.packets.map(encode));
    promise(written.equals(input.subarray(0, written.length)), 'It writes otherwise than it read');
    if (whole.error !== undefined) throw whole.error;
  },
};

type Decoded = { readonly packets: readonly Packet[]; readonly error: Error | undefined };

function decode(chunks: readonly Uint8Array[]): Decoded {
  const decoder = new PacketDecoder();
  const packets: Packet[] = [];
  try {
    for (const chunk of chunks) for (const packet of decoder.push(chunk)) packets.push(packet);
    return { packets, error: undefined };
  } catch (error) {
    return { packets, error: asError(error) };
  }
}

function piecesOf(input: Buffer): readonly Buffer[] {
  const count = Math.ceil(input.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, index) => input.subarray(PIECE_BYTES * index, PIECE_BYTES * (index + 1)));
}

function encode(packet: Packet): Buffer {
  const bytes = encodePacket(packet.magic, packet.type, packet.fields);
  promise(bytes.readUInt32BE(4) === PACKETS[packet.type].number, 'It writes another type');
  promise(bytes.length >= HEADER_BYTES, 'It writes less than a header');
  return bytes;
}
