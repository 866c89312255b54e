// The Synthea bundles of ../shared: every resource comes back as it was sent: https://hl7.org/fhir/R4/http.html#transaction

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Bundle } from '@medplum/fhirtypes';
import { startTestServer, type TestServer } from '../support/server.ts';
import { placeOf } from './bundle-requests.ts';

const folder = path.join(import.meta.dirname, '../../../shared/data/synthea');
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

/** Numbers as their source texts: https://tc39.es/proposal-json-parse-with-source/ */
function parseExactly(text: string): unknown {
  const reviver = (_: string, value: unknown, context: { source: string }) =>
    typeof value === 'number' ? { number: context.source } : value;
  return JSON.parse(text, reviver as unknown as Parameters<typeof JSON.parse>[1]);
}

/** What the client sent, with its links replaced and without what the server owns. */
function comparable(resource: unknown, places: ReadonlyMap<string, string>): object {
  const text = JSON.stringify(resource, (key, value) => (key === 'reference' ? (places.get(value) ?? value) : value));
  const { id: _id, meta, identifier, ...rest } = JSON.parse(text);
  const { versionId: _versionId, lastUpdated: _lastUpdated, ...own } = meta ?? {};
  const given = (identifier ?? []).filter(
    ({ system }: { system?: string }) => !system?.startsWith('https://hpms.example/'),
  );
  return { ...rest, meta: own, identifier: given };
}

if (files.length === 0) {
  process.stderr.write('SKIPPED: import of the Synthea bundles (../shared/data/synthea is not there)\n');
  // biome-ignore lint/suspicious/noSkippedTests: a file without any test counts as broken.
  test.skip('the Synthea bundles', () => undefined);
} else {
  test('all Synthea bundles are read back equal, to the last digit, and their links lead to each other', async () => {
    let resources = 0;
    for (const file of files) {
      const text = readFileSync(path.join(folder, file), 'utf8');
      const sent = parseExactly(text) as Bundle;
      const answer = await server.a.request('POST', '', text);
      expect(answer.status).toBe(200);
      const placeAt = (index: number) => placeOf(answer, index);
      const places = new Map(sent.entry?.map((entry, index) => [entry.fullUrl ?? '', placeAt(index)]));
      const received = await Promise.all([...places.values()].map((place) => server.a.request('GET', `/${place}`)));
      for (const [index, read] of received.entries()) {
        expect(comparable(parseExactly(read.text), new Map())).toEqual(
          comparable(sent.entry?.[index]?.resource, places),
        );
      }
      resources += received.length;
    }
    expect(resources).toBe(1_896);
    const [patient] = (await server.a.request('GET', '/Patient?_count=1')).json.entry;
    const found = await server.a.request('GET', `/Observation?subject=Patient/${patient.resource.id}&_summary=count`);
    expect(found.json.total).toBeGreaterThan(0);
  }, 60_000);
}
