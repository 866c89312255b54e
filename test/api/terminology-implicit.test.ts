// Value sets that nobody stores, and the filters of SNOMED CT and LOINC, on slices of invented concepts:
// https://hl7.org/fhir/R4/snomedct.html#implicit, https://hl7.org/fhir/R4/loinc.html#implicit

import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BundleEntry, ValueSetExpansionContains } from '@medplum/fhirtypes';
import { importDistribution } from '../../src/commands/import-terminology/import-distribution.ts';
import { Progress } from '../../src/commands/import-terminology/progress.ts';
import { buildObservation, buildPatient } from '../support/builders.ts';
import { startTestServer, type TestServer, type TestTenant } from '../support/server.ts';
import { expectNoFailure, expectRefusal } from './refusals.ts';
import { call, put, valueSet, valuesOf } from './terminology-world.ts';

const sct = 'http://snomed.info/sct';
const edition = `${sct}/900000000000207008`;
const [finding, mossy, leftMossy, retired, ankle, refset] = [
  ...['900101007', '900102000', '900103005', '900104004', '900105003', '900106002'],
] as const;
const root = '138875005';
const site = '363698007';
/** A URI has no spaces, so that an expression is percent encoded within it. */
const ecl = (expression: string) => `=ecl/${encodeURIComponent(expression)}`;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  const { tenantDoor } = server.app.doors;
  const progress = new Progress({ write: () => true, isTTY: false } as never);
  for (const system of ['snomed', 'loinc']) {
    const place = path.join(import.meta.dirname, '../terminology/slices', system);
    await importDistribution({
      system,
      place,
      release: undefined,
      into: { tenantDoor, tenantId: server.a.id },
      progress,
    });
  }
});
afterAll(async () => {
  expectNoFailure(server.logLines);
  await server.close();
});

const expand = async (url: string, tenant: TestTenant = server.a) =>
  await tenant.request('GET', `/ValueSet/$expand?url=${encodeURIComponent(url)}`);

async function codesOf(url: string): Promise<unknown[]> {
  const { status, json, text } = await expand(url);
  expect([status, status === 200 ? '' : text]).toEqual([200, '']);
  return (json.expansion.contains ?? []).map(({ code }: ValueSetExpansionContains) => code).sort();
}

describe('SNOMED CT', () => {
  test.each([
    ['', [root, finding, mossy, leftMossy, retired, ankle, refset, site]],
    [`=isa/${ankle}`, [mossy, leftMossy, ankle]],
    ['=refset', [refset]],
    [`=refset/${refset}`, [mossy, leftMossy]],
    [`=ecl/<${finding}`, [mossy, leftMossy]],
    [ecl(`<< ${finding} |Woodland finding| MINUS ${mossy}`), [finding, leftMossy]],
    [ecl(`<<${finding} |100 % moss|`), [finding, mossy, leftMossy]],
    [`=ecl/^${refset}`, [mossy, leftMossy]],
    [`=ecl/^*`, [mossy, leftMossy]],
    [`=ecl/>${leftMossy}`, [root, finding, mossy, ankle]],
    [`=ecl/>!${mossy}`, [finding, ankle]],
    [ecl('<<! 138875005 AND << *'), [root, finding, ankle, refset, site]],
    ['=ecl/*', [root, finding, mossy, leftMossy, ankle, refset, site]],
  ])('?fhir_vs%s', async (form, codes) => {
    expect(await codesOf(`${sct}?fhir_vs${form}`)).toEqual([...codes].sort());
  });

  test('of an edition, and of a version of it; of another one there is nothing', async () => {
    const of = (base: string) => `${base}?fhir_vs=isa/${ankle}`;
    for (const base of [edition, `${edition}/version/20260131`]) expect(await codesOf(of(base))).toHaveLength(3);
    for (const base of [`${sct}/731000124108`, `${edition}/version/20250131`])
      expectRefusal(await expand(of(base)), 400);
    const versioned = valueSet('v', { include: [{ system: sct, version: edition, concept: [{ code: mossy }] }] });
    const { json } = await call(server.a, '/ValueSet/$expand', [{ name: 'valueSet', resource: versioned }]);
    expect(json.expansion.contains[0].display).toBe('Mossy ankle');
  });

  test.each([
    ['=all', 'not-supported'],
    ['=isa/x', 'not-supported'],
    [`=refset/${ankle}`, 'not-supported'],
    ['=isa/900199999', 'code-invalid'],
    ['=ecl/', 'invalid'],
    ['=ecl/<<1', 'invalid'],
    ['=ecl/%ZZ', 'invalid'],
    ['=ecl/<900199999', 'code-invalid'],
    [ecl(`${finding} {{ term = "x" }}`), 'not-supported'],
  ])('?fhir_vs%s is refused as %s', async (form, code) => {
    const answer = await expand(`${sct}?fhir_vs${form}`);
    expectRefusal(answer, 400);
    expect(answer.json.issue[0].code).toBe(code);
  });

  test.each([
    ['concept', 'is-a', ankle, [mossy, leftMossy, ankle]],
    ['concept', 'descendent-of', ankle, [mossy, leftMossy]],
    ['concept', 'in', refset, [mossy, leftMossy]],
    ['concept', 'in', `${ankle}, ${mossy}`, [mossy, ankle]],
    ['constraint', '=', `<<${finding}: ${site} = <<${ankle}`, [leftMossy]],
    ['expression', '=', `* : ${site} = *`, [leftMossy]],
    ['expressions', '=', 'false', [root, finding, mossy, leftMossy, retired, ankle, refset, site]],
    [site, '=', ankle, [leftMossy]],
    ['inactive', '=', 'true', [retired]],
  ])('the filter %s %s %s', async (property, op, value, codes) => {
    const filter = [{ property, op: op as '=', value }];
    const resource = valueSet('inline', { include: [{ system: sct, filter }] });
    const { json, text } = await call(server.a, '/ValueSet/$expand', [{ name: 'valueSet', resource }]);
    expect(text).toContain('expansion');
    expect(json.expansion.contains.map(({ code }: ValueSetExpansionContains) => code).sort()).toEqual(
      [...codes].sort(),
    );
  });

  test('serves $validate-code and the search modifiers too, and other tenants have nothing of it', async () => {
    const url = `${sct}?fhir_vs${ecl(`<${finding} |Woodland finding|`)}`;
    const validate = `/ValueSet/$validate-code?url=${encodeURIComponent(url)}&system=${sct}&code=`;
    expect(valuesOf((await server.a.request('GET', `${validate}${mossy}`)).json, 'result')).toEqual([true]);
    expect(valuesOf((await server.a.request('GET', `${validate}${finding}`)).json, 'result')).toEqual([false]);
    for (const tenant of [server.a, server.b]) {
      await put(tenant, buildPatient({ id: 'p' }) as { resourceType: 'Patient'; id: string });
      for (const code of [finding, mossy]) {
        await put(tenant, {
          ...buildObservation('Patient/p', { code: { coding: [{ system: sct, code }] } }),
          id: code,
        });
      }
    }
    const search = (tenant: TestTenant) =>
      tenant.request('GET', `/Observation?code:in=${encodeURIComponent(url)}`, undefined, {
        Prefer: 'handling=strict',
      });
    const found = await search(server.a);
    expect((found.json.entry ?? []).map(({ resource }: BundleEntry) => resource?.id)).toEqual([mossy]);
    expectRefusal(await search(server.b), 400);
    expectRefusal(await expand(url, server.b), 400);
  });
});

describe('LOINC', () => {
  test.each([
    ['', 8],
    ['/LL9001-1', ['LA90001-1', 'LA90002-9']],
    ['/LL9002-9', ['LA90001-1', 'LA90003-7']],
    ['/LP90000-0', ['90001-1', '90002-9', 'LP90001-8', 'LP90002-6']],
    ['/LP90002-6', ['90001-1']],
  ])('http://loinc.org/vs%s', async (form, codes) => {
    const found = await codesOf(`http://loinc.org/vs${form}`);
    if (typeof codes === 'number') expect(found.length).toBeGreaterThanOrEqual(codes);
    else expect(found).toEqual(codes);
  });

  test.each([
    ['ancestor', '=', 'LP90000-0', ['90001-1', '90002-9', 'LP90001-8', 'LP90002-6']],
    ['ancestor', 'in', 'LP90001-8,LP90002-6', ['90001-1', '90002-9']],
    ['parent', '=', 'LP90001-8', ['90001-1', '90002-9']],
    ['descendant', '=', '90002-9', ['LP90000-0', 'LP90001-8']],
    ['ancestor', '=', 'LP1-1', []],
  ])('the filter %s %s %s', async (property, op, value, codes) => {
    const filter = [{ property, op: op as '=', value }];
    const resource = valueSet('inline', { include: [{ system: 'http://loinc.org', filter }] });
    const { json } = await call(server.a, '/ValueSet/$expand', [{ name: 'valueSet', resource }]);
    expect((json.expansion.contains ?? []).map(({ code }: ValueSetExpansionContains) => code).sort()).toEqual(codes);
  });

  test('an answer list that is not there, or in another tenant, is not found', async () => {
    expectRefusal(await expand('http://loinc.org/vs/LL1-1'), 400);
    expectRefusal(await expand('http://loinc.org/vs/LP1-1'), 400);
    expectRefusal(await expand('http://loinc.org/vs/nothing'), 400);
    expectRefusal(await expand('http://loinc.org/vs/LL9001-1', server.b), 400);
  });
});
