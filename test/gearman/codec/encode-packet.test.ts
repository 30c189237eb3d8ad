import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodePacket } from '../../../src/gearman/codec/encode-packet.ts';
import {
  type FieldsOf,
  type Magic,
  MAX_DATA_BYTES,
  type Packet,
  PACKETS,
  type PacketType,
} from '../../../src/gearman/codec/packet.ts';
import { PacketDecoder } from '../../../src/gearman/codec/packet-decoder.ts';
import { readTranscript } from '../transcript.ts';

const TYPES = Object.keys(PACKETS) as PacketType[]; // the keys of a constant

describe('recorded packets', () => {
  const complete = readTranscript().filter((step) =>
    TYPES.some((type) => type === step.type && PACKETS[type].fields.length <= step.fields.length),
  );

  test.each(complete)('case $case: $line', (step) => {
    const type = step.type as PacketType; // the filter above
    const count = PACKETS[type].fields.length;
    const fields = [...step.fields.slice(0, count - 1), step.fields.slice(count - 1).join('\0')].slice(0, count);
    const magic = step.bytes.toString('latin1', 1, 4) as Magic; // as recorded

    expect(encodePacket(magic, type, fields as unknown as FieldsOf<PacketType, string>)).toEqual(step.bytes);
  });
});

test('an empty result is the handle and a NUL, for gearmand cuts a worker that leaves it out', () => {
  expect(encodePacket('REQ', 'WORK_COMPLETE', ['H:vm:7', '']).toString('latin1')).toBe(
    '\0REQ\0\0\0\x0d\0\0\0\x07H:vm:7\0',
  );
});

test('names are sent in UTF-8 and may be long and have blanks', () => {
  const name = `build:é ü ${'x'.repeat(500)}`;

  const [packet] = new PacketDecoder().push(encodePacket('REQ', 'CAN_DO', [name]));

  expect(packet?.fields[0]?.toString()).toBe(name);
});

test('a NUL is refused where it would shift the fields', () => {
  expect(() => encodePacket('REQ', 'SUBMIT_JOB', ['f', 'a\0b', ''])).toThrow(
    'Cannot encode SUBMIT_JOB: field "unique" holds a NUL',
  );
  expect(() => encodePacket('REQ', 'SUBMIT_JOB', ['f', 'a', 'b\0c'])).not.toThrow();
});

test('more data than the other side may take is refused', () => {
  expect(() => encodePacket('REQ', 'ECHO_REQ', [Buffer.alloc(MAX_DATA_BYTES + 1)])).toThrow('bytes are more than');
});

test('property: any packets come back from any cutting of their bytes', () => {
  const field = fc.uint8Array({ maxLength: 20 });
  const packet = fc.constantFrom(...TYPES).chain((type) =>
    fc.record({
      magic: fc.constantFrom<Magic>('REQ', 'RES'),
      type: fc.constant(type),
      fields: fc.tuple(...PACKETS[type].fields.map((_, at) => (isLast(type, at) ? field : field.map(withoutNul)))),
    }),
  );
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 8 }), fc.array(fc.nat(300), { maxLength: 6 }), (packets, cuts) => {
      const encoded = packets.map((one) =>
        encodePacket(one.magic, one.type, one.fields as unknown as FieldsOf<PacketType, Uint8Array>),
      );
      const stream = Buffer.concat(encoded);
      const decoder = new PacketDecoder();
      const seen: Packet[] = [];
      const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
      for (const [index, edge] of edges.entries())
        seen.push(...decoder.push(stream.subarray(edges[index - 1] ?? 0, edge)));

      const flat = (one: { magic: string; type: string; fields: readonly Uint8Array[] }): unknown[] => [
        one.magic,
        one.type,
        ...one.fields.map((bytes) => Buffer.from(bytes).toString('hex')),
      ];
      expect(seen.map(flat)).toEqual(packets.map(flat));
    }),
  );
});

function isLast(type: PacketType, index: number): boolean {
  return index === PACKETS[type].fields.length - 1;
}

function withoutNul(bytes: Uint8Array): Uint8Array {
  return bytes.filter((byte) => byte !== 0);
}
