import { XPublisher } from 'zeromq';

/** Jenkins' side; `subscribed` ends when a subscriber has reached it, so that nothing is sent into the void. */
export async function startPublisher(endpoint = 'tcp://127.0.0.1:*'): Promise<{
  readonly socket: XPublisher;
  readonly endpoint: string;
  subscribed(): Promise<unknown>;
  send(...messages: readonly string[]): Promise<void>;
}> {
  const socket = new XPublisher({ linger: 0, sendHighWaterMark: 100_000 });
  await bindWhenFree(socket, endpoint);
  return {
    socket,
    endpoint: socket.lastEndpoint ?? '',
    subscribed: () => socket.receive(),
    send: async (...messages) => {
      for (const message of messages) await socket.send(message);
    },
  };
}

/** A closed socket gives its port back some turns of the loop later. */
async function bindWhenFree(socket: XPublisher, endpoint: string): Promise<void> {
  for (let bound = false; !bound;) {
    bound = await socket.bind(endpoint).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
        throw error;
      },
    );
  }
}
