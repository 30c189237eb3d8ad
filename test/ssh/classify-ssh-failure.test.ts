import { expect, test } from 'vitest';
import { classifySshFailure } from '../../src/ssh/classify-ssh-failure.ts';
import { RemoteError } from '../../src/provider/remote-machine.ts';

const failure = (message: string, facts: object = {}): Error => Object.assign(new Error(message), facts);

test.each([
  {
    failed: failure('All configured authentication methods failed', { level: 'client-authentication' }),
    fault: 'authentication',
    message: 'Login refused as root@h:22',
  },
  {
    failed: failure('Too many authentication failures', { code: 2 }),
    fault: 'authentication',
    message: 'Login refused as root@h:22',
  },
  { failed: failure('bye', { code: 14 }), fault: 'authentication', message: 'Login refused as root@h:22' },
  {
    failed: failure('connect ECONNREFUSED', { code: 'ECONNREFUSED', level: 'client-socket' }),
    fault: 'connection',
    message: 'Cannot reach root@h:22: connection refused',
  },
  {
    failed: failure('connect EHOSTUNREACH', { code: 'EHOSTUNREACH' }),
    fault: 'connection',
    message: 'Cannot reach root@h:22: host unreachable',
  },
  {
    failed: failure('Connection lost before handshake', { level: 'protocol' }),
    fault: 'connection',
    message: 'SSH to root@h:22 failed: Connection lost before handshake',
  },
])('"$failed.message" becomes fault "$fault"', ({ failed, fault, message }) => {
  const error = classifySshFailure('root@h:22', failed);

  expect(error).toMatchObject({ fault, message, cause: failed });
});

test('what is classified already stays as it is', () => {
  const error = new RemoteError('host-key', 'changed');

  expect(classifySshFailure('root@h:22', error)).toBe(error);
});
