// Lets connections in many at a time: Node takes one in each turn of its loop from whoever listens, which is too few where turns are
// long, and who waits outside can be told nothing. So several listen on one port: SO_REUSEPORT, https://man7.org/linux/man-pages/man7/socket.7.html

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Server as TlsServer } from 'node:tls';

const gatesMax = 16;

/** All that listen on the port; `main` is the first of them, and gets the connections of the others. */
export async function openGates(main: Server, port: number): Promise<readonly Server[]> {
  if (process.platform !== 'linux') return [await listening(main, { port })];
  // Whoever shares a port shares it with every process of the same user.
  if (port !== 0) await requireFree(port);
  const gates = [await listening(main, { port, reusePort: true })];
  const shared = { port: portOf(main), reusePort: true };
  while (gates.length < gatesMax) {
    const gate = createServer({ noDelay: true, allowHalfOpen: !(main instanceof TlsServer) });
    gate.on('connection', (socket) => main.emit('connection', socket));
    try {
      gates.push(await listening(gate, shared));
    } catch (error) {
      // Before Node 22.12 ports are not shared.
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') break;
      throw error;
    }
  }
  return gates;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Throws EADDRINUSE. */
async function requireFree(port: number): Promise<void> {
  const probe = await listening(createServer(), { port });
  probe.close();
  await once(probe, 'close');
}

interface Place {
  readonly port: number;
  readonly reusePort?: boolean;
}

function listening(server: Server, place: Place): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(place, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
