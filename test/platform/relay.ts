/** One address for whichever server is the right one at present, as a managed service's name, a floating address or HAProxy gives. */
import { connect, createServer, type Socket } from 'node:net';

export interface Relay {
  port: number;
  /** From now on it leads to this socket, or for the time being nowhere. Who was connected is cut off, or never hears anything again. */
  lead(path: string | undefined, before: 'cut' | 'silent'): void;
  stop(): Promise<void>;
}

export async function startRelay(to: string): Promise<Relay> {
  let path: string | undefined = to;
  const inside = new Set<Socket>();
  const outside = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  const server = createServer((client) => {
    outside.add(client);
    client.on('error', () => {}).on('close', () => outside.delete(client));
    if (path === undefined) return void client.destroy();
    const upstream = connect(path);
    inside.add(upstream);
    upstream
      .on('error', () => {})
      .on('close', () => {
        inside.delete(upstream);
        if (!silent.has(client)) client.destroy();
      });
    client.on('close', () => upstream.destroy());
    client.on('data', (bytes) => upstream.writable && upstream.write(bytes));
    upstream.on('data', (bytes) => silent.has(client) || client.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    lead(next, before) {
      path = next;
      if (before === 'silent') for (const client of outside) silent.add(client);
      for (const upstream of inside) upstream.destroy();
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of [...outside, ...inside]) socket.destroy();
      await closed;
    },
  };
}
