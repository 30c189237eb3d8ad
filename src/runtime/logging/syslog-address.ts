import type { PythonValue } from './python-tuple.ts';

const UDP_PORT = 514;
/** RFC 5424, section 6.2.1, by the names of Python's SysLogHandler; numbers 12 to 15 have none there. */
const FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp'],
  ...['', '', '', '', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
];
const USER = 1;

/** Where a syslog listens: by UDP, or on a unix socket of this machine. */
export type SyslogAddress =
  | { readonly kind: 'udp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export type SyslogSettings = { readonly address: SyslogAddress; readonly facility: number };

/**
 * What the args of a handler say (Python: SysLogHandler(address=('localhost', 514), facility=LOG_USER, socktype=None)).
 * @throws {Error} there is something else, or what is not supported: TCP
 */
export function parseSyslogArgs(args: readonly PythonValue[]): SyslogSettings {
  const [address, facility, socketType] = args;
  if (socketType !== undefined && socketType !== 'socket.SOCK_DGRAM') throw new Error('syslog by TCP is not supported');
  return { address: addressOf(address), facility: facilityOf(facility) };
}

function addressOf(value: PythonValue): SyslogAddress {
  if (value === undefined) return { kind: 'udp', host: 'localhost', port: UDP_PORT };
  if (typeof value === 'string') return { kind: 'unix', path: value };
  const [host, port] = Array.isArray(value) ? (value as readonly PythonValue[]) : [];
  const number = typeof port === 'string' ? UDP_PORT : port; // handlers.SYSLOG_UDP_PORT
  if (typeof host !== 'string' || typeof number !== 'number') throw new Error('args name no address of a syslog');
  return { kind: 'udp', host, port: number };
}

/** A number, `daemon`, or `handlers.SysLogHandler.LOG_DAEMON`. */
function facilityOf(value: PythonValue): number {
  if (value === undefined) return USER;
  if (typeof value === 'number') return value;
  const name = String(value)
    .replace(/^.*LOG_/, '')
    .toLowerCase();
  const facility = FACILITIES.indexOf(name);
  if (name === '' || facility < 0) throw new Error(`args name no facility of a syslog: ${JSON.stringify(value)}`);
  return facility;
}
