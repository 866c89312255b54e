// Criteria in the place of an id, at the write path: https://hl7.org/fhir/R4/http.html#cond-update

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Basic, Patient } from '@medplum/fhirtypes';
import type { Caller } from '../../src/access/caller.ts';
import type { FhirError } from '../../src/fhir/outcome.ts';
import type { Criteria, WriteIntent } from '../../src/repository/change.ts';
import { resolveReferences } from '../../src/repository/resolve-references.ts';
import type { Repository } from '../../src/repository/session.ts';
import { write } from '../../src/repository/write.ts';
import { buildPatient } from '../support/builders.ts';
import { type Call, type HandMade, makeByHand, noting } from './hand-made.ts';

let bed: HandMade;
let repository: Repository;
beforeAll(async () => {
  bed = await makeByHand();
  repository = bed.with();
});
afterAll(() => bed.close());

const baseUrl = 'http://hpms.test/t/by-hand/fhir';
const patient = (...values: string[]): Patient =>
  buildPatient({ identifier: values.map((value) => ({ system: 'urn:mrn', value })) });
const query = (value: string) => ({ query: `identifier=urn:mrn|${value}`, baseUrl });
const creating = (value: string): WriteIntent => ({
  action: 'create',
  resource: patient(value),
  ifNoneExist: query(value),
});
const updating = (value: string, criteria: Criteria = query(value)): WriteIntent => ({
  action: 'update',
  resource: patient(value),
  criteria,
});
const deleting = (value: string): WriteIntent => ({ action: 'delete', type: 'Patient', criteria: query(value) });
const plain = (...values: string[]): WriteIntent => ({ action: 'create', resource: patient(...values) });

function refusal(intents: readonly WriteIntent[], caller?: Caller): Promise<Partial<FhirError>> {
  return bed.write(repository, intents, caller).then(
    () => ({}),
    (error: FhirError) => error,
  );
}

const countOf = async (value: string): Promise<number> => {
  const found = await bed.write(repository, [deleting(value)]).then(([result]) => result);
  return found?.deletedCount ?? Number(found?.changed);
};

describe('the criteria of an intent', () => {
  test.each<[string, string, number]>([
    ['an unknown parameter', 'identifer=urn:mrn|1', 400],
    ['an unknown parameter beside a known one', 'identifier=urn:mrn|1&nonsense=1', 400],
    ['an unknown modifier', 'identifier:nonsense=urn:mrn|1', 400],
    ['a value that means nothing', 'birthdate=yesterday', 400],
    ['a parameter without a value', 'identifier=', 400],
    ['a result parameter', 'identifier=urn:mrn|1&_count=1', 400],
    ['an include', 'identifier=urn:mrn|1&_include=Patient:organization', 400],
    ['a cursor', 'identifier=urn:mrn|1&_cursor=x', 400],
    ['the search of another type', 'Practitioner?identifier=urn:mrn|1', 400],
    ['the search of another server', 'http://elsewhere.test/fhir/Patient?identifier=urn:mrn|1', 400],
    ['too long a text', `identifier=${'x'.repeat(20_001)}`, 400],
    ['no parameter at all', '', 412],
    ['separators only', '&&', 412],
  ])('refuse %s, for they must never mean more than they say', async (_, text, status) => {
    const criteria = { query: text, baseUrl };
    const before = await bed.count('SELECT count(*) FROM version');
    for (const intent of [
      { action: 'create', resource: patient('1'), ifNoneExist: criteria },
      { action: 'update', resource: patient('1'), criteria },
      { action: 'patch', type: 'Patient', apply: (current) => current, criteria },
      { action: 'delete', type: 'Patient', criteria },
    ] satisfies WriteIntent[]) {
      expect(await refusal([plain('other'), intent])).toMatchObject({ name: 'FhirError', status, writeIndex: 1 });
    }
    expect(await bed.count('SELECT count(*) FROM version')).toBe(before);
  });

  test('may be the whole search URL, as some clients send it', async () => {
    const [first] = await bed.write(repository, [creating('whole')]);
    for (const before of ['?', 'Patient?', `${baseUrl}/Patient?`]) {
      const ifNoneExist = { query: `${before}identifier=urn:mrn|whole`, baseUrl };
      const [again] = await bed.write(repository, [{ action: 'create', resource: patient('whole'), ifNoneExist }]);
      expect(again).toMatchObject({ id: first?.id, changed: false });
    }
  });

  test('know an absolute reference below the own base as the relative one', async () => {
    const [subject] = await bed.write(repository, [plain('subject')]);
    const basic: Basic = {
      resourceType: 'Basic',
      code: { text: 'x' },
      subject: { reference: `Patient/${subject?.id}` },
    };
    await bed.write(repository, [{ action: 'create', resource: basic }]);
    const ifNoneExist = { query: `subject=${encodeURIComponent(`${baseUrl}/Patient/${subject?.id}`)}`, baseUrl };
    const [again] = await bed.write(repository, [{ action: 'create', resource: basic, ifNoneExist }]);
    expect(again?.changed).toBe(false);
  });

  test('that more than tokens decide are searched too, together with those that tokens decide', async () => {
    await bed.write(repository, [
      { action: 'create', resource: { ...patient('named'), name: [{ family: 'Einzigartigername' }] } },
      plain('known'),
    ]);
    const results = await bed.write(repository, [
      { action: 'create', resource: patient('x'), ifNoneExist: { query: 'family=einzigartigername', baseUrl } },
      creating('known'),
      creating('unknown'),
      { action: 'update', resource: patient('y'), criteria: { query: '_id=never-was', baseUrl } },
    ]);
    expect(results.map(({ action, changed }) => [action, changed])).toEqual([
      ['create', false],
      ['create', false],
      ['create', true],
      ['create', true],
    ]);
  });

  test('see only what is there: not what was deleted', async () => {
    const [first] = await bed.write(repository, [creating('gone')]);
    await bed.write(repository, [{ action: 'delete', type: 'Patient', id: first?.id ?? '' }]);
    const [second] = await bed.write(repository, [creating('gone')]);
    expect(second).toMatchObject({ changed: true, versionId: 1 });
    expect(second?.id).not.toBe(first?.id);
  });

  test('need the right to search beside that to write, and a create where none is found (security.md 35)', async () => {
    const only = (letters: string): Caller => ({
      ...bed.caller,
      grants: [
        { context: 'system', type: 'Patient', permissions: new Set(letters) as Caller['grants'][0]['permissions'] },
      ],
    });
    await bed.write(repository, [creating('scoped')]);
    for (const [intent, letters] of [
      [creating('scoped'), 'c'],
      [updating('scoped'), 'u'],
      [deleting('never-was'), 'd'],
    ] as const) {
      for (const letter of 'cruds') {
        const { status } = await refusal([intent], only('cruds'.replace(letter, '')));
        expect([letter, status]).toEqual([letter, letters.includes(letter) || letter === 's' ? 403 : undefined]);
      }
    }
    expect(await refusal([updating('scoped-new')], only('us'))).toMatchObject({ status: 403 });
  });
});

describe('several criteria in one transaction', () => {
  test.each<{ what: string; intents: WriteIntent[] }>([
    { what: 'the same criteria twice', intents: [creating('twice'), creating('twice')] },
    {
      what: 'the same criteria in another form',
      intents: [creating('twice'), updating('twice', { query: 'Patient?identifier=urn%3Amrn%7Ctwice' })],
    },
    { what: 'criteria and criteria that mean one resource', intents: [creating('one'), updating('same')] },
    {
      what: 'criteria and the id of what they mean',
      intents: [deleting('same'), { action: 'delete', type: 'Patient', id: 'same' }],
    },
    {
      what: 'a create that finds what another deletes',
      intents: [{ action: 'delete', type: 'Patient', id: 'same' }, creating('one')],
    },
  ])('$what is the same identity twice: https://hl7.org/fhir/R4/http.html#trules', async ({ intents }) => {
    const same = { ...patient('one', 'same'), id: 'same' };
    await bed.write(repository, [{ action: 'update', id: 'same', resource: same }]);
    const before = await bed.count('SELECT count(*) FROM version');
    expect(await refusal(intents)).toMatchObject({ name: 'FhirError', status: 400, writeIndex: 1 });
    expect(await bed.count('SELECT count(*) FROM version')).toBe(before);
  });

  test('give results in the order of the intents, several deletions as one', async () => {
    await bed.write(repository, [plain('pair'), plain('pair'), plain('single')]);
    const results = await bed.write(repository, [
      creating('order'),
      deleting('pair'),
      deleting('none'),
      updating('single'),
    ]);
    expect(results).toMatchObject([
      { action: 'create', changed: true, versionId: 1 },
      { action: 'delete', changed: true, deletedCount: 2, id: '', versionId: 0 },
      { action: 'delete', changed: false, id: '', versionId: 0 },
      { action: 'update', changed: true, versionId: 2 },
    ]);
  });

  test('say before the write which resource each means, so that links to it can be written', async () => {
    const [known] = await bed.write(repository, [plain('linked')]);
    await bed.write(repository, [plain('two'), plain('two')]);
    const basic: Basic = { resourceType: 'Basic', code: { text: 'link' }, subject: { reference: 'urn:uuid:x' } };
    let told: readonly (string | undefined)[] = [];
    const results = await bed.run(repository, (session) =>
      write(
        session,
        [creating('linked'), { action: 'create', resource: basic }, deleting('two'), deleting('none'), updating('new')],
        {
          identified(identities) {
            told = identities;
            basic.subject = { reference: identities[0] ?? '' };
          },
        },
      ),
    );
    expect(told).toEqual([
      `Patient/${known?.id}`,
      `Basic/${results[1]?.id}`,
      undefined,
      undefined,
      `Patient/${results[4]?.id}`,
    ]);
    expect(JSON.parse(results[1]?.json ?? '')).toMatchObject({ subject: { reference: `Patient/${known?.id}` } });
  });

  test('may be more than locks are held for', async () => {
    const values = Array.from({ length: 250 }, (_, n) => `many-${n}`);
    const first = await bed.write(repository, values.map(creating));
    const second = await bed.write(repository, values.toReversed().map(creating));
    expect(second.map(({ id }) => id).toReversed()).toEqual(first.map(({ id }) => id));
    expect(second.some(({ changed }) => changed)).toBe(false);
  });

  test('of which very many need a search of their own are refused', async () => {
    const intents = Array.from({ length: 501 }, (_, n): WriteIntent => {
      return { action: 'create', resource: patient('x'), ifNoneExist: { query: `_id=many-${n}` } };
    });
    expect(await refusal(intents)).toMatchObject({ status: 400, issues: [{ code: 'too-costly' }] });
  });
});

describe('the rules of a type', () => {
  test('see the concrete changes only: each deletion, and nothing where nothing is written', async () => {
    const calls: Call[] = [];
    await bed.write(repository, [plain('rule'), plain('rule'), plain('kept')]);
    const audits = await bed.count('SELECT count(*) FROM audit_event');
    await bed.write(bed.with(noting(calls, ['Patient'])), [deleting('rule'), creating('kept'), updating('fresh')]);
    expect(calls.map(({ changes }) => changes)).toEqual(
      Array(3).fill(['delete 1>2 old>none', 'delete 1>2 old>none', 'create 0>1 none>new']),
    );
    expect(await bed.count('SELECT count(*) FROM audit_event')).toBe(audits + 3);
  });

  test('may ask for conditional writes as effects', async () => {
    const asking = bed.with({
      name: 'asking',
      effects: [
        {
          name: 'one Basic for all',
          type: 'Patient',
          run: () => [
            {
              action: 'create',
              resource: { resourceType: 'Basic', code: { text: 'all' }, identifier: [{ value: 'all' }] },
              ifNoneExist: { query: 'identifier=all' },
            },
          ],
        },
      ],
    });
    await bed.write(asking, [plain('effect')]);
    await bed.write(asking, [plain('effect')]);
    const [result] = await bed.write(repository, [
      { action: 'delete', type: 'Basic', criteria: { query: 'identifier=all' } },
    ]);
    expect(result).toMatchObject({ changed: true, versionId: 2 });
  });
});

describe('a delete by criteria', () => {
  test('of more than 1,000 is refused as too costly and deletes none', async () => {
    await bed.write(
      repository,
      Array.from({ length: 1_001 }, () => plain('crowd')),
    );
    expect(await refusal([deleting('crowd')])).toMatchObject({ status: 412, issues: [{ code: 'too-costly' }] });
    await bed.write(repository, [{ action: 'update', resource: patient('alone'), criteria: query('alone') }]);
    const crowd = `SELECT count(*) FROM resource WHERE type = 'Patient' AND NOT deleted`;
    const before = await bed.count(crowd);
    const [first] = await bed.write(repository, [
      { action: 'delete', type: 'Patient', criteria: { query: 'identifier=urn:mrn|alone' } },
    ]);
    expect(first?.changed).toBe(true);
    expect(await bed.count(crowd)).toBe(before - 1);
  });
});

describe('conditional references', () => {
  const resolve = (references: readonly string[], caller?: Caller) =>
    bed.run(repository, (session) =>
      resolveReferences(caller ? { ...session, caller } : session, references, {
        baseUrl,
        placeOf: () => 'Bundle.entry[3].resource.subject',
      }),
    );

  test('become literal ones where exactly one resource meets them', async () => {
    const [one, other] = await bed.write(repository, [plain('ref-1'), plain('ref-2')]);
    const references = ['Patient?identifier=urn:mrn|ref-1', 'Patient?identifier=urn%3Amrn%7Cref-2'];
    expect([...(await resolve([...references, ...references]))]).toEqual([
      [references[0], `Patient/${one?.id}`],
      [references[1], `Patient/${other?.id}`],
    ]);
  });

  test.each<[string, string, object]>([
    ['to none', 'Patient?identifier=urn:mrn|nobody', { status: 412, issues: [{ code: 'not-found' }] }],
    ['to several', 'Patient?identifier=urn:mrn|several', { status: 412, issues: [{ code: 'multiple-matches' }] }],
    ['with an unknown parameter', 'Patient?nonsense=1', { status: 400 }],
    ['without criteria', 'Patient?', { status: 412 }],
    ['to no type of FHIR', 'Nonsense?identifier=1', { status: 400 }],
  ])('%s are refused, and no value is repeated', async (_, reference, expected) => {
    await bed.write(repository, [plain('several'), plain('several')]);
    const error = await resolve([reference]).then(
      () => undefined,
      (thrown: FhirError) => thrown,
    );
    expect(error).toMatchObject(expected);
    expect(error?.message).not.toMatch(/nobody|several/);
    expect(await countOf('several')).toBe(2);
  });

  test('name the place of the one that fails', async () => {
    const failing = resolve(['Patient?identifier=urn:mrn|nobody']);
    await expect(failing).rejects.toMatchObject({ issues: [{ expression: ['Bundle.entry[3].resource.subject'] }] });
  });

  test('need the right to search their type', async () => {
    await expect(resolve(['Patient?_id=x'], { ...bed.caller, grants: [] })).rejects.toMatchObject({ status: 403 });
  });

  test('to more than 5,000 different resources are refused before any search', async () => {
    const references = Array.from({ length: 5_001 }, (_, n) => `Patient?identifier=${n}`);
    await expect(resolve(references)).rejects.toMatchObject({ status: 400, issues: [{ code: 'too-costly' }] });
  });
});
