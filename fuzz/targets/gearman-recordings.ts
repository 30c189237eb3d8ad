import { encodePacket } from '../../src/gearman/codec/encode-packet.ts';
import { PACKETS, type PacketType } from '../../src/gearman/codec/packet.ts';
import { fixture } from '../fixtures.ts';

/** One packet of each type, as a server sends it. */
export function recordedPackets(): readonly Buffer[] {
  const types = Object.keys(PACKETS) as PacketType[]; // the keys of a constant
  return types.map((type) => encodePacket('RES', type, PACKETS[type].fields.map(exampleOf) as never)); // as many as declared
}

/** What servers answered to the text commands. */
export function recordedTexts(): readonly Buffer[] {
  const lines = [...fixture('gearman/transcript.txt').matchAll(/^\w+ < text (.*)$/gm)].map(([, text = '']) => text);
  const all = lines.join('').replaceAll('<LF>', '\n').replaceAll('<TAB>', '\t').replaceAll('<CR>', '\r');
  return [
    Buffer.from(all),
    Buffer.from('build:unit:trusty\t3\t1\t2\nbuild:unit tests (slow):centos6\t0\t0\t1\n.\n'),
    Buffer.from('31 127.0.0.1 nodepool : build:a build:b\n32 ::1 - :\n.\n'),
    Buffer.from('H:vm:1\t0\t0\t1\n.\n'),
    Buffer.from('OK 1.1.20+ds\n'),
    Buffer.from('ERR UNKNOWN_COMMAND Unknown+server+command\n'),
  ];
}

function exampleOf(field: string): string {
  if (field === 'handle') return 'H:vm:1';
  if (['numerator', 'denominator', 'known', 'running', 'clients', 'milliseconds'].includes(field)) return '1';
  return field === 'function' ? 'build:unit:trusty' : `the ${field}`;
}
