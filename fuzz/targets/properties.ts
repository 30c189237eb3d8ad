import fc from 'fast-check';
import { encodePacket } from '../../src/gearman/codec/encode-packet.ts';
import { PACKETS, type PacketType } from '../../src/gearman/codec/packet.ts';
import { PacketDecoder } from '../../src/gearman/codec/packet-decoder.ts';
import { labelOf, withLabel } from '../../src/jenkins/agent-config-xml.ts';
import { formatRecord } from '../../src/runtime/logging/format-record.ts';
import { promise, type PropertyTarget } from '../fuzz-target.ts';

const TYPES = Object.keys(PACKETS) as PacketType[]; // the keys of a constant

export const packetRoundTrip: PropertyTarget = {
  kind: 'property',
  name: 'packet-round-trip',
  about: 'any packet that can be written is read the same, however its bytes come',
  property: () =>
    fc.property(
      fc.constantFrom(...TYPES),
      fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 6, maxLength: 6 }),
      fc.integer({ min: 1, max: 50 }),
      (type, values, step) => {
        const fields = PACKETS[type].fields.map((_, index, all) => {
          const value = Buffer.from(values[index] ?? []);
          return index < all.length - 1 ? value.map((byte) => byte || 1) : value;
        });
        const bytes = encodePacket('RES', type, fields as never); // as many as declared
        const decoder = new PacketDecoder();
        const packets = [];
        for (let at = 0; at < bytes.length; at += step) packets.push(...decoder.push(bytes.subarray(at, at + step)));
        promise(packets.length === 1 && !decoder.isInsidePacket, 'It reads another number of packets');
        const read: readonly Buffer[] = packets[0]?.fields ?? [];
        promise(
          read.every((field, index) => field.equals(fields[index] ?? Buffer.alloc(0))),
          'It reads other fields',
        );
      },
    ),
};

export const labelRoundTrip: PropertyTarget = {
  kind: 'property',
  name: 'label-round-trip',
  about: "any label comes out of an agent's config.xml as it went in, and changes nothing else",
  property: () =>
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('<label/>', '<label>old</label>', ''), (label, old) => {
      const xml = withLabel(`<slave><name>n</name>${old}<launcher/></slave>`, label);
      promise(labelOf(xml) === label, 'The label is another one');
      promise(
        xml.replace(/\s*<label>[^<]*<\/label>\s*/, '') === '<slave><name>n</name><launcher/></slave>',
        'More changed',
      );
    }),
};

export const logLines: PropertyTarget = {
  kind: 'property',
  name: 'log-lines',
  about: 'no text that a peer can choose begins a second line of the log, or commands a terminal',
  property: () =>
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const line = formatRecord(
        {
          at: new Date(0),
          name: 'nodepool',
          level: 'warn',
          message: 'It said',
          facts: { text, error: new Error(text) },
        },
        '%(message)s',
      );
      // eslint-disable-next-line no-control-regex -- control characters are what this looks for
      promise(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(line), 'A line holds a control character');
      promise(!line.includes('\n'), 'A text makes two lines');
    }),
};
