// Events that are made by a form are those that are built from their facts, whatever these tell (README, Decisions)

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildAccessAudit } from '../../../src/access/access-audit.ts';
import type { AccessFacts } from '../../../src/access/access-facts.ts';
import { accessRow } from '../../../src/audit/trail/event-forms.ts';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { newId } from '../../../src/fhir/ids.ts';
import { auditTokens } from '../../../src/repository/audit-tokens.ts';
import { createExtractor } from '../../../src/search/extract.ts';
import { anyFacts, clientFacts, readFacts, staffFacts } from '../../access/access-facts.ts';
import { makeCipher } from '../../support/cipher.ts';

const extract = createExtractor(loadDefinitions());
const cipher = makeCipher();
/** What is sealed is to be seen. */
const session = { cipher: { ...cipher, seal: (plain: Buffer) => plain }, extract, repository: { site: 'https://a.b' } };

const oneOf = fc.constantFrom;
/** Also with what JSON writes otherwise, and with marks of a form. */
const requestId = fc.oneof(fc.uuid(), fc.string(), oneOf('', '"', 'ü', '1970-01-01T00:00:00.000Z', undefined));
const anyRead: fc.Arbitrary<AccessFacts> = fc
  .record({
    interaction: oneOf('read', 'vread'),
    type: oneOf('Patient', 'Observation', 'AuditEvent'),
    subject: oneOf('p1', 'p2', 'p1.2'),
    version: oneOf('', '/_history/1', '/_history/12'),
    patients: fc.uniqueArray(oneOf('Patient/p1', 'Patient/p2', 'Patient/p3')),
    caller: oneOf(staffFacts, clientFacts, { ...staffFacts, display: '1970-01-01T00:00:00.000Z' }, undefined),
    address: oneOf('192.0.2.7', '2001:db8::7', undefined),
    status: oneOf(200, 304),
    requestId,
    entry: oneOf(undefined, undefined, 3),
    recordedMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
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
        const { id, content, tokens } = accessRow(session, one);
        expect(id).toBe(one.id);
        expect(content.toString()).toBe(JSON.stringify(event));
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
    const first = JSON.parse(accessRow(session, { ...readFacts, caller, id: 'first' }).content.toString());
    const second = JSON.parse(accessRow(session, read('second')).content.toString());
    expect(second).toEqual({ ...first, id: 'second' });
  });
});
