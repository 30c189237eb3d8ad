import { describe, expect, test } from 'vitest';
import { encodePacket } from '../../../src/gearman/codec/encode-packet.ts';
import {
  bareHandle,
  MAX_DATA_BYTES,
  type Packet,
  PACKETS,
  type PacketType,
} from '../../../src/gearman/codec/packet.ts';
import { PacketDecoder } from '../../../src/gearman/codec/packet-decoder.ts';
import { ProtocolError } from '../../../src/runtime/errors.ts';
import { readTranscript } from '../transcript.ts';

// Refused by the server on purpose: no NUL after the handle, and a type that is no use to anyone.
const BROKEN = ['WORK_COMPLETE(13) H:vm:7', 'ALL_YOURS(24)'];
const isBroken = (line: string): boolean => BROKEN.some((end) => line.trim().endsWith(end));
const PACKET_STEPS = readTranscript().filter((step) => step.type !== undefined);
const GOOD_STEPS = PACKET_STEPS.filter((step) => !isBroken(step.line));

describe('recorded packets', () => {
  test('cover both servers', () => {
    expect(PACKET_STEPS.length).toBe(140);
    expect(new Set(PACKET_STEPS.map((step) => step.case))).toContain(22);
  });

  test.each(GOOD_STEPS)('case $case: $line', (step) => {
    const [packet, ...more] = new PacketDecoder().push(step.bytes);

    expect(more).toEqual([]);
    expect(packet?.type).toBe(step.type);
    expect(packet?.magic).toBe(step.bytes.toString('latin1', 1, 4));
    const declared = PACKETS[step.type as PacketType].fields.length; // it was decoded as this type
    const texts = packet?.fields.map(String).join('<NUL>').replaceAll('\0', '<NUL>');
    expect(texts).toBe(step.fields.join('<NUL>'));
    expect(packet?.fields).toHaveLength(declared);
  });

  test.each(PACKET_STEPS.filter((step) => isBroken(step.line)))('case $case is refused: $line', (step) => {
    expect(() => [...new PacketDecoder().push(step.bytes)]).toThrow(ProtocolError);
  });

  test('are the same packets wherever the bytes are cut, because TCP cuts anywhere', () => {
    const stream = Buffer.concat(GOOD_STEPS.map((step) => step.bytes));
    const whole = texts([...new PacketDecoder().push(stream)]);

    for (let cut = 0; cut <= stream.length; cut += 1) {
      const decoder = new PacketDecoder();
      const packets = [...decoder.push(stream.subarray(0, cut)), ...decoder.push(stream.subarray(cut))];
      expect(texts(packets)).toBe(whole);
    }
  });

  test('are the same packets when they come byte by byte', () => {
    const stream = Buffer.concat(GOOD_STEPS.map((step) => step.bytes));
    const decoder = new PacketDecoder();

    const packets = [...stream].flatMap((byte) => [...decoder.push(Buffer.of(byte))]);

    expect(texts(packets)).toBe(texts([...new PacketDecoder().push(stream)]));
    expect(decoder.isInsidePacket).toBe(false);
  });
});

describe('sizes', () => {
  test.each([0, 1, 1024 * 1024, 16 * 1024 * 1024])('%i bytes of data arrive unchanged, in pieces of 64 KiB', (size) => {
    const data = Buffer.alloc(size, 'x\0y');
    const bytes = encodePacket('RES', 'WORK_COMPLETE', ['H:vm:1', data]);
    const decoder = new PacketDecoder();
    const packets: Packet[] = [];
    for (let at = 0; at < bytes.length; at += 65_536) packets.push(...decoder.push(bytes.subarray(at, at + 65_536)));

    expect(packets).toHaveLength(1);
    expect(packets[0]?.fields[1]?.equals(data)).toBe(true);
  });

  test('more than 64 MiB are refused as soon as the header is there, so that nobody fills our memory', () => {
    const header = Buffer.from('\0RES\0\0\0\x0d\0\0\0\0', 'latin1');
    header.writeUInt32BE(MAX_DATA_BYTES + 1, 8);

    expect(() => [...new PacketDecoder().push(header)]).toThrow(
      'Cannot read WORK_COMPLETE: 67108865 bytes are too many',
    );
  });

  test('a packet keeps its bytes when more follow, because the buffer is used again', () => {
    const decoder = new PacketDecoder();
    const [first] = decoder.push(encodePacket('RES', 'WORK_DATA', ['H:1', 'first']));
    const [second] = decoder.push(encodePacket('RES', 'WORK_DATA', ['H:2', 'other']));

    expect(first?.fields.map(String)).toEqual(['H:1', 'first']);
    expect(second?.fields.map(String)).toEqual(['H:2', 'other']);
  });
});

describe('bytes that are no Gearman', () => {
  test.each([
    ['text', 'ERR UNKNOWN_COMMAND\r\n', 'it starts with 45525220'],
    ['one wrong byte', '\n', 'it starts with 0a'],
    ['a wrong magic', '\0RET\0\0\0\x06\0\0\0\0', 'it starts with 00524554'],
    ['an unknown type', '\0RES\0\0\0\xc8\0\0\0\0', 'type 200 is unknown'],
    ['data where none is declared', '\0RES\0\0\0\x06\0\0\0\x01x', 'NOOP: it has 1 bytes of data'],
    ['a missing field', '\0RES\0\0\0\x0d\0\0\0\x01H', 'field "data" is missing'],
  ])('%s is a protocol error', (_, text, message) => {
    expect(() => [...new PacketDecoder().push(Buffer.from(text, 'latin1'))]).toThrow(message);
  });

  test('do not hide the packets before them, however the bytes were joined', () => {
    const seen: string[] = [];
    const bytes = Buffer.concat([encodePacket('RES', 'NOOP', []), Buffer.from('garbage')]);

    expect(() => {
      for (const packet of new PacketDecoder().push(bytes)) seen.push(packet.type);
    }).toThrow(ProtocolError);
    expect(seen).toEqual(['NOOP']);
  });
});

test('a handle loses the one NUL that gearmand adds, and nothing else', () => {
  expect(bareHandle(Buffer.from('H:vm:3\0')).toString()).toBe('H:vm:3');
  expect(bareHandle(Buffer.from('H:vm:3')).toString()).toBe('H:vm:3');
});

function texts(packets: readonly Packet[]): string {
  return packets.map((packet) => [packet.magic, packet.type, ...packet.fields.map(String)].join('|')).join('\n');
}
