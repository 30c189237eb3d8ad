import { parseArgs } from 'node:util';
import { ALL_CLOUD_FAULTS } from './cloud/run-cloud-faults.ts';
import { FAULT_MODES, type FaultMode } from './faulty-proxy.ts';
import { canFail, type Peer, PEERS } from './proxies.ts';
import type { Fault } from './run-fault.ts';

/** What a run shall do: one of the first three. */
export type FaultOrder = {
  readonly faults: readonly Fault[];
  /** How long to cut the build events off while 15 jobs run; 0: not. */
  readonly cutEventsMs: number;
  /** Names of faults of emulated clouds. */
  readonly cloudFaults: readonly string[];
  readonly ms: number;
  readonly log: string | undefined;
  readonly verbose: boolean;
};

/** Undefined: help is asked for. @throws {Error} there is no such thing */
export function readFaultOrder(words: readonly string[]): FaultOrder | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      peer: { type: 'string', default: PEERS.join(',') },
      mode: { type: 'string', default: FAULT_MODES.join(',') },
      fault: { type: 'string', multiple: true },
      'cut-events': { type: 'boolean', default: false },
      cloud: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '60' },
      log: { type: 'string' },
      verbose: { type: 'boolean', short: 'v', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  if (!/^[1-9]\d{0,4}$/.test(values.seconds)) throw new Error(`Not a number of seconds: "${values.seconds}"`);
  const ms = 1000 * Number(values.seconds);
  const { log, verbose } = values;
  const nothing = { faults: [], cutEventsMs: 0, cloudFaults: [], ms, log, verbose };
  if (values.cloud) return { ...nothing, cloudFaults: (values.fault ?? ALL_CLOUD_FAULTS).map(cloudFaultOf) };
  if (values['cut-events']) return { ...nothing, cutEventsMs: ms };
  const pairs = values.fault?.map((word) => word.split(':')) ?? all(values.peer.split(','), values.mode.split(','));
  const faults = pairs.map(([peer = '', mode = '']) => ({ peer: peerOf(peer), mode: modeOf(mode), ms }));
  return { ...nothing, faults: faults.filter(({ peer, mode }) => canFail(peer, mode)) };
}

function all(peers: readonly string[], modes: readonly string[]): readonly (readonly string[])[] {
  return peers.flatMap((peer) => modes.map((mode) => [peer, mode]));
}

function peerOf(word: string): Peer {
  const peer = PEERS.find((each) => each === word);
  if (peer === undefined) throw new Error(`There is no peer "${word}"`);
  return peer;
}

function modeOf(word: string): FaultMode {
  const mode = FAULT_MODES.find((each) => each === word);
  if (mode === undefined) throw new Error(`There is no mode "${word}"`);
  return mode;
}

function cloudFaultOf(word: string): string {
  if (!ALL_CLOUD_FAULTS.includes(word)) throw new Error(`There is no cloud's fault "${word}"`);
  return word;
}

export function usage(): string {
  return `Usage: npm run faults -- [--peer P] [--mode M] [--seconds N]
       npm run faults -- --cloud [--fault F] [--seconds N]
  --peer P        ${PEERS.join(', ')}; several with commas; default all
  --mode M        ${FAULT_MODES.join(', ')}; several with commas; default all that the peer can have
  --fault P:M     this peer in this mode and no other; may be given several times
  --cut-events    instead: no build event arrives while 15 jobs at a time start and end
  --cloud         instead: a cloud that answers wrongly, beside one that is well
  --fault F       with --cloud, this fault and no other; may be given several times:
                  ${ALL_CLOUD_FAULTS.join(', ')}
  --seconds N     how long each fault lasts; default 60
  --verbose       print how often the daemon complained of what
  --log FILE      write there what the daemon said
`;
}
