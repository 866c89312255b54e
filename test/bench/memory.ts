// What the server's process takes of the machine's memory, once every schema and search parameter is compiled.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { CapabilityStatement } from '@medplum/fhirtypes';
import type { FhirApi } from './fhir-api.ts';

/** Makes the server compile all it can: a body of each type that its schema refuses, and a search on each type. */
export async function loadAllDefinitions(api: FhirApi): Promise<number> {
  const capabilities = await api.ask<CapabilityStatement>('GET', '/metadata', 200);
  const types = capabilities.rest?.[0]?.resource?.map(({ type }) => type) ?? [];
  for (const type of types) {
    const refused = await api.call('POST', `/${type}`, { resourceType: type, unknownElement: true });
    if (![400, 405, 422].includes(refused.status))
      throw new Error(`An invalid ${type} was answered ${refused.status}.`);
    await api.ask('GET', `/${type}?_lastUpdated=gt2200-01-01`, 200);
  }
  return types.length;
}

/** Resident set in MB; PostgreSQL's processes are not in it. */
export function residentMegabytes(pid: number): number {
  return kilobytes(pid) / 1_024;
}

function kilobytes(pid: number): number {
  if (process.platform === 'linux') {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1]);
  }
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }));
}
