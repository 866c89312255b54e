// The AuditEvent of a read, a search, an operation or a refusal is valid R4, has its profile, and says what was asked and by whom:
// https://profiles.ihe.net/ITI/BALP/content.html, contract.md 46

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildAccessAudit } from '../../src/access/access-audit.ts';
import type { AccessFacts } from '../../src/access/access-facts.ts';
import { auditProfile } from '../../src/access/audit-parts.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { checkResource } from '../../src/validation/profiles/check-resource.ts';
import { ownDefinitions } from '../../src/validation/profiles/own-definitions.ts';
import { createRegistry } from '../../src/validation/profiles/registry.ts';
import { createValidator } from '../../src/validation/validate.ts';
import { anyFacts, clientFacts, readFacts } from './access-facts.ts';

const definitions = loadDefinitions();
const validate = createValidator(definitions);
const registry = createRegistry(definitions, ownDefinitions());
const site = 'https://hpms.example';
const runs = { seed: 20_261_120, numRuns: 500 };

const build = (facts: Partial<AccessFacts>) => buildAccessAudit({ ...readFacts, ...facts }, site);
const queryOf = (facts: Partial<AccessFacts>) => {
  const [query] = (build(facts).entity ?? []).flatMap((entity) => entity.query ?? []);
  return query === undefined ? undefined : Buffer.from(query, 'base64').toString();
};

describe('the AuditEvent of an access', () => {
  test('is valid R4 and has the profile that it names, whatever was asked by whomever', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const event = buildAccessAudit(facts, site);
        const profiles = event.meta?.profile ?? [];
        expect(profiles).toHaveLength(1);
        expect(validate(event)).toEqual([]);
        expect(checkResource(registry, event, { profiles })).toEqual([]);
      }),
      runs,
    );
  });

  test('names every patient once, whether it was found or named', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const named = (buildAccessAudit(facts).entity ?? []).filter(({ role }) => role?.code === '1');
        const references = named.map(({ what }) => what?.reference);
        expect(new Set(references).size).toBe(references.length);
        for (const patient of facts.patients ?? []) expect(references).toContain(patient);
        for (const version of facts.answered ?? []) {
          if (version.startsWith('Patient/')) expect(references).toContain(version.replace(/\/_history\/.*/, ''));
        }
      }),
      runs,
    );
  });

  test('of a read is about the version that was shown', () => {
    const event = build({});
    expect(event).toMatchObject({
      id: readFacts.id,
      recorded: '2026-11-20T00:00:00.000Z',
      action: 'R',
      outcome: '0',
      meta: { profile: [auditProfile('patient-read')] },
      subtype: [{ code: 'read' }],
    });
    expect(event.entity?.map(({ what }) => what?.reference ?? what?.identifier?.value)).toEqual([
      'Observation/o1/_history/3',
      'Patient/p1',
      'request-1',
    ]);
  });

  test.each([
    [{ interaction: 'search-type', path: 'Observation', query: 'code=1' }, 'Observation?code=1'],
    [{ interaction: 'search-type', method: 'POST', path: 'Patient/_search', query: 'family=x' }, 'Patient?family=x'],
    [{ interaction: 'search-compartment', path: 'Patient/p1/Observation', query: '' }, 'Patient/p1/Observation'],
    [{ interaction: 'operation', method: 'POST', path: 'Patient/$match', query: '' }, 'POST Patient/$match'],
    [{ outcome: '4', status: 403, path: 'Patient/p1', query: '_pretty=true' }, 'GET Patient/p1?_pretty=true'],
  ] as const)('holds what was asked: %j', (facts, text) => {
    expect(queryOf(facts)).toBe(text);
  });

  test('of a search tells which versions were shown, and how many', () => {
    const answered = ['Observation/o1/_history/3', 'Observation/o2/_history/1'];
    const { entity } = build({ interaction: 'search-type', path: 'Observation', answered, answeredCount: 2 });
    expect(entity?.[1]).toMatchObject({
      what: { type: 'Observation', display: '2 versions' },
      detail: [{ type: 'answered', valueString: answered.join(' ') }],
    });
  });

  test.each([
    ['Observation', 'search-type', 'Observation'],
    ['Patient/p1/Observation', 'search-compartment', 'Observation'],
    ['Patient/p1/*', 'search-compartment', 'Patient'],
    ['Patient/_search', 'search-type', 'Patient'],
    ['', 'search-system', undefined],
  ] as const)('of a search at %s that finds nothing tells of what type it was', (path, interaction, type) => {
    const { entity } = build({ interaction, path, answered: [] });
    expect(entity?.[1]?.what).toEqual({ ...(type && { type }), display: '0 versions' });
  });

  test.each([
    ['read', 'refusal', { outcome: '4', status: 403, issue: 'forbidden' }, 'R'],
    ['update', 'refusal', { outcome: '4', status: 412, issue: 'conflict' }, 'U'],
    ['delete', 'refusal', { outcome: '8', status: 503, issue: 'transient' }, 'D'],
  ] as const)('of a refused %s has the profile %s and says the issue alone', (interaction, kind, outcome, action) => {
    const event = build({ interaction, ...outcome });
    expect(event).toMatchObject({ outcome: outcome.outcome, outcomeDesc: outcome.issue, action });
    expect(event.meta?.profile).toEqual([auditProfile(kind)]);
  });

  test.each([
    ['Patient/p1/$everything', ['Patient/p1'], 'disclosure'],
    ['$export', [], 'export'],
    ['Account/a1/$statement', ['Patient/p1'], 'patient-operation'],
    ['ValueSet/$expand', [], 'operation'],
  ] as const)('of the operation %s is a %s', (path, patients, kind) => {
    expect(build({ interaction: 'operation', path, patients }).meta?.profile).toEqual([auditProfile(kind)]);
  });

  test('of nobody who is known names nobody', () => {
    const { caller: _, ...nobody } = { ...readFacts, outcome: '4' as const, status: 401, issue: 'login' };
    expect(buildAccessAudit(nobody).agent[0]).toMatchObject({
      requestor: true,
      who: { display: 'Unknown' },
      network: { address: '192.0.2.7' },
    });
  });

  test('of a client names on whose behalf it asked', () => {
    expect(build({ caller: clientFacts }).agent.map(({ who }) => who?.reference ?? who?.display)).toEqual([
      'Device/kiosk',
      'Practitioner/p2',
      'HPMS',
    ]);
  });

  test('of an entry in a bundle tells which one it was, and what it was answered', () => {
    expect(build({ entry: 7, status: 404, outcome: '4' }).entity?.at(-1)?.detail).toEqual([
      { type: 'status', valueString: '404' },
      { type: 'entry', valueString: '7' },
    ]);
  });
});
