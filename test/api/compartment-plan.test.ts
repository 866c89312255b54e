// What a search in a large compartment reads: https://hl7.org/fhir/R4/http.html#vsearch

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TenantCipher } from '../../src/crypto/tenant-cipher.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { inCompartment } from '../../src/search/compartment.ts';
import { parseCompartmentSearch } from '../../src/search/compartment-query.ts';
import { memberStatement } from '../../src/search/compile/members.ts';
import type { SearchStatement } from '../../src/search/compile/sql.ts';
import { compileSearch } from '../../src/search/compile-search.ts';
import { parseSearch } from '../../src/search/parse.ts';
import { withClient } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const definitions = loadDefinitions();
const options = { handling: 'strict', baseUrl: 'http://hpms.test', now: 0 } as const;
const observations = 20_000;

let server: TestServer;
let cipher: TenantCipher;
beforeAll(async () => {
  server = await startTestServer();
  cipher = await server.app.doors.keyRing.cipherOf(server.a.id);
  await fill();
});
afterAll(() => server.close());

/** Observations that one Practitioner performed, of 200 Patients in turn. */
async function fill(): Promise<void> {
  const subjects = Array.from({ length: 200 }, (_, n) => cipher.tokenOf(`Observation.subject|Patient/p${n}`));
  const performer = cipher.tokenOf('Observation.performer|Practitioner/busy');
  const numbers = `generate_series(0, ${observations - 1}) n`;
  await withClient(server.database.url, async (client) => {
    await client.query(
      `INSERT INTO store.resource (tenant_id, type, id, version_id, last_updated, deleted, content, tokens)
       SELECT $1::integer, 'Observation', md5(n::text), 1, now(), false, '\\x00'::bytea, ARRAY[($2::bigint[])[1 + n % 200], $3::bigint] FROM ${numbers}
       UNION ALL SELECT $1::integer, 'Patient', 'p' || n, 1, now(), false, '\\x00', '{1}' FROM generate_series(0, 999) n`,
      [server.a.id, `{${subjects.join(',')}}`, performer.toString()],
    );
    await client.query(
      `INSERT INTO store.reference (tenant_id, source_type, source_id, parameter, target_type, target_id)
       SELECT $1::integer, 'Observation', md5(n::text), link.* FROM ${numbers} CROSS JOIN LATERAL (
         VALUES ('subject', 'Patient', 'p' || n % 200), ('performer', 'Practitioner', 'busy')) link`,
      [server.a.id],
    );
    await client.query('VACUUM ANALYZE store.resource');
    await client.query('VACUUM ANALYZE store.reference');
  });
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}

/** All nodes of the plan as it was executed. */
async function nodesOf(statement: SearchStatement): Promise<PlanNode[]> {
  const { tenantDoor } = server.app.doors;
  const text = `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${statement.text}`;
  const [row] = await tenantDoor(
    server.a.id,
    (trx) => trx.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>({ text, values: statement.values }),
    'read',
  );
  const nodes: PlanNode[] = [];
  const visit = (node: PlanNode): void => {
    nodes.push(node);
    for (const child of node.Plans ?? []) visit(child);
  };
  if (row) visit(row['QUERY PLAN'][0].Plan);
  return nodes;
}

const tablesRead = (nodes: readonly PlanNode[]) => nodes.filter((node) => node['Relation Name'] !== undefined);
const rowsOf = (nodes: readonly PlanNode[]) =>
  nodes.reduce((sum, node) => sum + node['Actual Rows'] * node['Actual Loops'], 0);

describe('a page of everything in a compartment', () => {
  test.each([
    ['the first', undefined, false],
    ['a late one', { type: 'Observation', id: 'f' }, false],
    ['the last', undefined, true],
    ['one on the way back', { type: 'Observation', id: 'f' }, true],
  ])('%s reads a page of references from the index, and the resources it shows', async (_, at, isBackward) => {
    const compartment = { type: 'Practitioner', id: 'busy' };
    const query = parseCompartmentSearch(definitions, compartment, [['_count', '10']], options);
    const read = tablesRead(await nodesOf(memberStatement(query, at, isBackward)));
    const references = read.filter((node) => node['Relation Name'] === 'reference');
    expect(references.map((node) => [node['Node Type'], node['Index Name']])).toEqual([
      ['Index Only Scan', 'reference_target'],
    ]);
    expect(rowsOf(references)).toBeLessThanOrEqual(query.count + 2);
    const resources = read.filter((node) => node['Relation Name'] === 'resource');
    expect(new Set(resources.map((node) => node['Index Name']))).toEqual(new Set(['resource_pkey']));
    expect(rowsOf(resources)).toBeLessThanOrEqual(query.count + 2);
  });
});

describe('a page of one type in a compartment', () => {
  const typed = (type: string, compartment: string, id: string) => {
    const query = inCompartment(definitions, parseSearch(definitions, type, [], options), { type: compartment, id });
    return compileSearch(query, { tokenOf: cipher.tokenOf }).statement;
  };

  test('is found by one overlap of tokens', async () => {
    const nodes = await nodesOf(typed('Observation', 'Patient', 'p7'));
    const [scan, ...others] = nodes.filter((node) => node['Node Type'] === 'Bitmap Index Scan');
    expect(scan).toMatchObject({ 'Index Name': 'resource_tokens', 'Actual Rows': observations / 200 });
    expect(others).toEqual([]);
    expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
  });

  test('or, where it is the type of the compartment itself, by its id as well', async () => {
    const nodes = await nodesOf(typed('Patient', 'Patient', 'p7'));
    const scans = nodes.filter((node) => node['Node Type'] === 'Bitmap Index Scan').map((node) => node['Index Name']);
    expect(scans).toEqual(['resource_tokens', 'resource_pkey']);
    expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
  });
});
