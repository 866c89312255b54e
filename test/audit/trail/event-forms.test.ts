// Events that are made by a form are those that are built from their facts, whatever these tell (README, Decisions)

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildAccessAudit } from '../../../src/access/access-audit.ts';
import type { AccessFacts } from '../../../src/access/access-facts.ts';
import { accessRow } from '../../../src/audit/trail/event-forms.ts';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { newId } from '../../../src/fhir/ids.ts';
import { auditTokens } from '../../../src/repository/audit-tokens.ts';
import { bodyContext } from '../../../src/repository/stored-version.ts';
import { createExtractor } from '../../../src/search/extract.ts';
import { anyFacts, clientFacts, readFacts, staffFacts } from '../../access/access-facts.ts';
import { makeCipher } from '../../support/cipher.ts';

const extract = createExtractor(loadDefinitions());
const cipher = makeCipher();
const session = { cipher, extract, repository: { site: 'https://a.b' } };

function rowOf(facts: AccessFacts): { id: string; json: string; tokens: string } {
  const { id, content, tokens } = accessRow(session, facts);
  return { id, json: cipher.open(content, bodyContext('AuditEvent', id, 1)).toString(), tokens };
}

const uuids = ['018f2b6e-0000-7000-8000-000000000001', '018f2b6e-0000-7000-8000-0000000000a2'] as const;

const oneOf = fc.constantFrom;
/** Also with what JSON writes otherwise, and with marks of a form. */
const requestId = fc.oneof(fc.uuid(), fc.string(), oneOf('', '"', 'ü', '1970-01-01T00:00:00.000Z', undefined));
const anyRead: fc.Arbitrary<AccessFacts> = fc
  .record({
    interaction: oneOf('read', 'vread'),
    type: oneOf('Patient', 'Observation', 'AuditEvent'),
    subject: oneOf('p1', 'p2', 'p1.2', ...uuids, uuids[0].toUpperCase()),
    version: oneOf('', '/_history/1', '/_history/7', '/_history/12'),
    patients: fc.uniqueArray(oneOf('Patient/p1', 'Patient/p2', ...uuids.map((id) => `Patient/${id}`))),
    caller: oneOf(staffFacts, clientFacts, { ...staffFacts, display: '1970-01-01T00:00:00.000Z' }, undefined),
    address: oneOf('192.0.2.7', '2001:db8::7', undefined),
    status: oneOf(200, 304),
    requestId,
    entry: oneOf(undefined, undefined, 3),
    // Also of the year 10000, which has a character more.
    recordedMs: fc.oneof(fc.integer({ min: 0, max: 4_000_000_000_000 }), oneOf(253_402_300_800_000)),
  })
  .map(({ type, subject, version, caller, address, requestId, entry, ...rest }) => ({
    ...rest,
    id: newId(rest.recordedMs),
    method: 'GET',
    path: `${type}/${subject}${version}`,
    query: '',
    outcome: '0',
    answered: [`${type}/${subject}${version}`],
    ...(caller && { caller }),
    ...(address !== undefined && { address }),
    ...(requestId !== undefined && { requestId }),
    ...(entry !== undefined && { entry }),
  }));

const tokensIn = (text: string) => new Set(text.slice(1, -1).split(','));
const runs = { seed: 20_261_122, numRuns: 3_000 };

describe('the row of an access', () => {
  test.each([
    ['a read', anyRead],
    ['anything', anyFacts],
  ])('holds the event that is built of its facts, and its tokens: %s', (_, facts) => {
    fc.assert(
      fc.property(facts, (one) => {
        const event = buildAccessAudit(one, session.repository.site);
        const { id, json, tokens } = rowOf(one);
        expect(id).toBe(one.id);
        expect(json).toBe(JSON.stringify(event));
        expect(tokensIn(tokens)).toEqual(new Set(auditTokens(session, event).map(String)));
      }),
      runs,
    );
  });

  test('is filled in by a form from the second read of a kind on: what else there is of it is not looked at', () => {
    const caller = { ...staffFacts };
    const unread = {
      get query(): string {
        throw new Error('It is built anew.');
      },
    };
    const read = (id: string) =>
      Object.defineProperties({ ...readFacts, caller, id }, Object.getOwnPropertyDescriptors(unread));
    expect(() => accessRow(session, read('first'))).toThrow('It is built anew.');
    const first = JSON.parse(rowOf({ ...readFacts, caller, id: 'first' }).json);
    const second = JSON.parse(rowOf(read('second')).json);
    expect(second).toEqual({ ...first, id: 'second' });
  });
});
