// The tokens of an AuditEvent: worked out part by part, they are those of the whole; groups stand for what comes again (README, Decisions)

import { describe, expect, test } from '@jest/globals';
import type { AuditEvent } from '@medplum/fhirtypes';
import fc from 'fast-check';
import { buildAccessAudit } from '../../src/access/access-audit.ts';
import type { AccessFacts } from '../../src/access/access-facts.ts';
import type { Statement } from '../../src/database/statement.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { newId } from '../../src/fhir/ids.ts';
import { auditTokens, groupedTokens } from '../../src/repository/audit-tokens.ts';
import { hasAuditTokens, insertTokenGroups } from '../../src/repository/token-groups.ts';
import { createExtractor } from '../../src/search/extract.ts';
import { makeCipher } from '../support/cipher.ts';

const extract = createExtractor(loadDefinitions());
const cipher = makeCipher();
const session = { cipher, extract };

const reference = fc.constantFrom('Patient/1', 'Patient/2', 'Practitioner/1', 'Observation/7');
const word = fc.constantFrom('Ada', 'Grace Hopper', 'Łukasz', '');

const facts: fc.Arbitrary<AccessFacts & { patients: string[] }> = fc.record(
  {
    id: fc.constant(newId(1_700_000_000_000)),
    recordedMs: fc.constant(1_700_000_000_000),
    interaction: fc.constantFrom('read', 'search-type', 'history-instance', 'operation', 'update', 'delete'),
    method: fc.constantFrom('GET', 'POST'),
    path: fc.constantFrom('Patient/1', 'Observation', 'Patient/2/$everything', 'Observation/7'),
    query: fc.constantFrom('', 'code=1'),
    outcome: fc.constantFrom('0', '4', '8'),
    status: fc.constantFrom(200, 404),
    address: fc.constantFrom('10.0.0.1', '2001:db8::1'),
    requestId: fc.uuid(),
    answered: fc.uniqueArray(reference.map((one) => `${one}/_history/1`)),
    patients: fc.uniqueArray(fc.constantFrom('Patient/1', 'Patient/2')),
    caller: fc.record(
      {
        kind: fc.constantFrom('client', 'staff', 'patient', 'server'),
        clientId: fc.constantFrom('app', 'portal'),
        reference,
        display: word,
        fhirUser: reference,
        accountId: fc.constantFrom('a-1', 'a-2'),
        purposeOfUse: fc.constantFrom('TREAT', 'BTG'),
        roles: fc.uniqueArray(fc.constantFrom('doctor', 'auditor')),
      },
      { requiredKeys: ['kind', 'clientId', 'display'] },
    ),
  },
  { requiredKeys: ['id', 'recordedMs', 'method', 'path', 'query', 'outcome', 'status', 'patients'] },
);

const event = facts.map((one) => buildAccessAudit(one, 'https://clinic.example'));

function tokensOfWhole(audit: AuditEvent): bigint[] {
  const texts = extract(audit).flatMap((entry) => (entry.kind === 'token' ? [entry.text] : []));
  return [...new Set(texts.map(session.cipher.tokenOf))];
}

const sorted = (tokens: Iterable<bigint>) => [...new Set(tokens)].map(String).sort();
const parsed = (text: string) => text.slice(1, -1).split(',').map(BigInt);

describe('the tokens of an event', () => {
  test('are those of the whole, each once', () => {
    fc.assert(
      fc.property(event, (audit) => {
        const tokens = auditTokens(session, audit);
        expect(sorted(tokens)).toEqual(sorted(tokensOfWhole(audit)));
        expect(new Set(tokens).size).toBe(tokens.length);
      }),
    );
  });

  test('are stored as they are while no group is there', () => {
    fc.assert(
      fc.property(event, (audit) => {
        expect(sorted(parsed(groupedTokens(session, audit)))).toEqual(sorted(tokensOfWhole(audit)));
      }),
    );
  });

  test('are those that groups stand for, once these are stored, in a shorter text', () => {
    const stored = new Map<string, string[]>();
    const trx = {
      execute({ values: [names, lists] = [] }: Statement) {
        for (const [index, name] of (names as bigint[]).entries())
          stored.set(String(name), ((lists as string[])[index] as string).slice(1, -1).split(','));
      },
    };
    fc.assert(
      fc.property(event, (audit) => {
        const whole = groupedTokens(session, audit);
        groupedTokens(session, audit);
        insertTokenGroups({ trx, cipher, definitionsVersion: 0 })();
        const short = groupedTokens(session, audit);
        expect(short.length).toBeLessThanOrEqual(whole.length);
        expect(parsed(short).some((token) => stored.has(String(token)))).toBe(true);
        expect(hasAuditTokens(short, auditTokens(session, audit), stored)).toBe(true);
        expect(hasAuditTokens(short, auditTokens(session, audit), new Map())).toBe(false);
      }),
    );
  });
});
