// Rows as the server would store them, written at once, for tests of plans.

import { createHash } from 'node:crypto';
import type { Resource } from '@medplum/fhirtypes';
import type pg from 'pg';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { createExtractor } from '../../src/search/extract.ts';

/** Stands in for a tenant's keyed tokens: no two tenants share one. */
export function tokensOfTenant(tenantId: number): (text: string) => bigint {
  return (text) => createHash('sha256').update(`${tenantId}|${text}`).digest().readBigInt64BE(0);
}

/** The resources need an id; bodies are left out. */
export async function insertIndexed(
  client: pg.Client,
  tenantId: number,
  resources: readonly Resource[],
): Promise<void> {
  const extract = createExtractor(loadDefinitions());
  const tokenOf = tokensOfTenant(tenantId);
  const rows = resources.map((resource, n) => ({ resource, n, entries: extract(resource) }));
  const dates = rows.flatMap(({ resource, entries }) =>
    entries.flatMap((entry) => (entry.kind === 'date' ? [{ ...entry, resource }] : [])),
  );
  const links = rows.flatMap(({ resource, entries }) =>
    entries.flatMap((entry) => (entry.kind === 'reference' ? [{ ...entry, resource }] : [])),
  );
  const ranges = rows.flatMap(({ resource, entries }) =>
    entries.flatMap((entry) => (entry.kind === 'range' ? [{ ...entry, resource }] : [])),
  );
  const tokensOf = (entries: (typeof rows)[number]['entries']) =>
    `{${entries.flatMap((entry) => (entry.kind === 'token' ? [tokenOf(entry.text)] : [])).join(',')}}`;
  await client.query(
    `INSERT INTO store.resource (tenant_id, type, id, version_id, last_updated, deleted, content, tokens)
     SELECT $1, type, id, 1, '2026-01-01Z'::timestamptz + n * interval '1 min', false, '\\x00', tokens::bigint[]
     FROM unnest($2::text[], $3::text[], $4::int[], $5::text[]) AS row (type, id, n, tokens)`,
    [
      tenantId,
      resources.map(({ resourceType }) => resourceType),
      resources.map(({ id }) => id),
      rows.map(({ n }) => n),
      rows.map(({ entries }) => tokensOf(entries)),
    ],
  );
  await client.query(
    `INSERT INTO store.date_value (tenant_id, type, id, parameter, low, high)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])`,
    [
      tenantId,
      dates.map(({ resource }) => resource.resourceType),
      dates.map(({ resource }) => resource.id),
      dates.map(({ parameter }) => parameter),
      dates.map(({ low }) => new Date(low).toISOString()),
      dates.map(({ high }) => new Date(high).toISOString()),
    ],
  );
  await client.query(
    `INSERT INTO store.reference (tenant_id, source_type, source_id, parameter, target_type, target_id)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])`,
    [
      tenantId,
      links.map(({ resource }) => resource.resourceType),
      links.map(({ resource }) => resource.id),
      links.map(({ parameter }) => parameter),
      links.map(({ targetType }) => targetType),
      links.map(({ targetId }) => targetId),
    ],
  );
  await client.query(
    `INSERT INTO store.range_value (tenant_id, type, id, parameter, unit, low, high)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[])`,
    [
      tenantId,
      ranges.map(({ resource }) => resource.resourceType),
      ranges.map(({ resource }) => resource.id),
      ranges.map(({ parameter }) => parameter),
      `{${ranges.map(({ unit }) => tokenOf(unit)).join(',')}}`,
      ranges.map(({ low }) => low),
      ranges.map(({ high }) => high),
    ],
  );
}
