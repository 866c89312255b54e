// The server under attack, in a process of its own that looks at its event loop from inside and tells its parent.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer } from '../support/server.ts';

export interface ServerUnderAttack {
  readonly origin: string;
  readonly base: string;
  readonly token: string;
}

const resolutionMs = 1;
const delays = monitorEventLoopDelay({ resolution: resolutionMs });
const server = await startTestServer();
await server.a.request('PUT', '/Patient/known', { ...buildPatient(), id: 'known' });
const identifier = Array.from({ length: 2_000 }, (_, n) => ({ system: 'urn:n', value: `v${n}` }));
await server.a.request('PUT', '/Patient/wide', { ...buildPatient(), id: 'wide', identifier });
for (let n = 0; n < 200; n += 1) await server.a.request('POST', '/Observation', buildObservation('Patient/known'));
delays.enable();

process.on('message', (message) => {
  // The longest since the last question, told when the loop turns again.
  if (message === 'stall') process.send?.({ stallMs: Math.max(0, delays.max / 1e6 - resolutionMs) });
  if (message === 'reset') {
    delays.reset();
    process.send?.({ reset: true });
  }
  if (message === 'end') void server.close().then(() => process.exit(0));
});
const { origin, a } = server;
process.send?.({ origin, base: `/t/${a.name}/fhir`, token: a.token } satisfies ServerUnderAttack);
