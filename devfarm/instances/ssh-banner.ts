import { connect } from 'node:net';
import { systemClock } from '../../src/runtime/clock.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';

const RETRY_MS = 20;

/** Waits until an ssh server answers: a banner, not just an open port. @throws {DeadlineExceededError} */
export async function waitForBanner(server: { address: string; port: number }, deadlineMs: number): Promise<void> {
  const end = systemClock.monotonicMs() + deadlineMs;
  while (!(await showsBanner(server))) {
    if (systemClock.monotonicMs() > end) {
      throw new DeadlineExceededError(`ssh on ${server.address}:${server.port}`, deadlineMs);
    }
    await systemClock.sleep(RETRY_MS);
  }
}

async function showsBanner(server: { address: string; port: number }): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: server.address, port: server.port, timeout: 2000 });
    const answer = (shows: boolean) => (): void => {
      socket.destroy();
      resolve(shows);
    };
    socket.once('data', (bytes) => {
      answer(bytes.toString('latin1').startsWith('SSH-2.0-'))();
    });
    for (const event of ['error', 'timeout', 'close']) socket.once(event, answer(false));
  });
}
