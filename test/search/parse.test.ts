// Search requests are understood in full or say what was left out: https://hl7.org/fhir/R4/search.html#errors

import { describe, expect, test } from '@jest/globals';
import { FhirError } from '../../src/fhir/outcome.ts';
import { parse, queryOf } from './evaluate.ts';

function refusal(type: string, query: string): FhirError {
  try {
    parse(type, query);
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
  throw new Error(`${type}?${query} was not refused.`);
}

describe('what is not supported', () => {
  const requests = [
    ['Patient', 'unknown=1'],
    ['Patient', 'name:text=a'],
    ['Patient', 'gender:text=a'],
    ['Patient', 'gender:of-type=a|b|c'],
    ['Patient', 'phone:in=a'],
    ['Patient', 'link:below=Patient/1'],
    ['Patient', 'phonetic=a'],
    ['Patient', 'link:Observation=1'],
    ['Binary', '_text=a'],
    ['AuditEvent', '_content=a'],
    ['Patient', '_revinclude=Patient:general-practitioner'],
    ['Patient', '_revinclude=Observation:code'],
    ['Patient', '_revinclude=Observation:patient:Group'],
    ['Patient', '_revinclude=AuditEvent:patient'],
    ['Patient', '_include:iterate=Nothing:link'],
    ['Patient', '_include:recurse=Patient:link'],
    ['Patient', '_include=Observation:patient'],
    ['Patient', '_include=Patient:name'],
    ['Patient', '_include=Patient:link:Nothing'],
    ['Patient', '_sort=nothing'],
    ['Patient', '_sort=name:exact'],
    ['Location', '_sort=near'],
    ['Observation', 'value-quantity:exact=5'],
    ['Observation', 'code-value-quantity:exact=a$5'],
    ['Location', 'near:exact=1|2'],
    ['AuditEvent', '_tag=x'],
    ['AuditEvent', '_include=AuditEvent:patient'],
    ['QuestionnaireResponse', '_include=QuestionnaireResponse:questionnaire'],
    ['Questionnaire', '_revinclude=QuestionnaireResponse:questionnaire'],
    ['Bundle', '_include=Bundle:composition'],
    ['Patient', 'name='],
  ] as const;

  test.each(requests)('%s?%s is 400 under strict handling', (type, query) => {
    const { status, issues } = refusal(type, query);
    expect([status, issues[0]?.code]).toEqual([400, 'not-supported']);
  });

  test.each(requests)('%s?%s is left out with a warning under lenient handling', (type, query) => {
    const { criteria, includes, understood, warnings } = parse(type, query, { handling: 'lenient' });
    expect({ criteria, includes, understood }).toEqual({ criteria: [], includes: [], understood: [] });
    expect(warnings).toMatchObject([{ severity: 'warning', code: 'not-supported' }]);
  });
});

describe('a value that means nothing is 400 in both modes, for ignoring it would widen the answer', () => {
  test.each([
    ['Patient', 'birthdate=yesterday'],
    ['Patient', 'birthdate=2026-02-30'],
    ['Patient', '_lastUpdated=xx2026'],
    ['Patient', '_id=a/b'],
    ['Patient', 'identifier=|'],
    ['Patient', 'identifier=a|b|c'],
    // Which of these a system has no index tells, and no list names all its codes.
    ['Patient', 'telecom=phone|'],
    ['CodeSystem', 'code=http://example.org|'],
    ['Patient', 'name=...'],
    ['Patient', 'general-practitioner:Practitioner=Organization/1'],
    ['Patient', '_count=many'],
    ['Patient', '_count=-1'],
    ['Patient', '_total=some'],
    ['Patient', '_summary=short'],
    ['Patient', '_elements=a b'],
  ])('%s?%s', (type, query) => {
    expect(refusal(type, query)).toMatchObject({ status: 400 });
    expect(() => parse(type, query, { handling: 'lenient' })).toThrow(FhirError);
  });
});

describe('bounds', () => {
  test.each([
    ['parameters', 'gender=male&'.repeat(101)],
    ['values', `identifier=${'a,'.repeat(500)}a`],
    ['length', `name=${'a'.repeat(20_001)}`],
  ])('too many or too long: %s', (_, query) => {
    expect(refusal('Patient', query)).toMatchObject({ status: 400, issues: [{ code: 'too-costly' }] });
  });

  test('a page has at most 1000 resources, 20 when nothing is said', () => {
    expect(parse('Patient', '_count=5000').count).toBe(1000);
    expect(parse('Patient', '').count).toBe(20);
  });

  test('no more than three sort keys', () => {
    expect(refusal('Observation', '_sort=date,_lastUpdated,-_id,value-date')).toMatchObject({ status: 400 });
  });

  test('an id without its type is looked up as each type it may be of, up to so many in all', () => {
    const ids = Array.from({ length: 7 }, (_, index) => `id${index}`).join(',');
    expect(refusal('Task', `focus=${ids}`)).toMatchObject({ status: 400, issues: [{ code: 'too-costly' }] });
    expect(parse('Task', `focus:Patient=${ids}`).criteria).toHaveLength(1);
    const [criterion] = parse('AuditEvent', 'entity=1').criteria;
    expect(criterion).toMatchObject({ texts: expect.arrayContaining(['Patient/1', 'Observation/1']) });
  });
});

describe('what is understood', () => {
  test('with the format of the answer, which the pages that follow have too (http.html#parameters)', () => {
    const { understood, criteria } = parse('Patient', '_format=xml&gender=male&_pretty=true');
    expect(understood).toEqual([
      ['_format', 'xml'],
      ['gender', 'male'],
      ['_pretty', 'true'],
    ]);
    expect(criteria).toHaveLength(1);
  });

  test('errors repeat no values and no names that look like data', () => {
    expect(refusal('Patient', 'birthdate=Eva+Muster').message).not.toMatch(/Eva/);
    expect(refusal('Patient', queryOf(['Eva Muster 1980', 'x'])).message).not.toMatch(/Eva/);
  });

  test('nothing can change a query', () => {
    const query = parse('Patient', 'name=a,b&_sort=_id&_include=Patient:link');
    expect(() => Object.assign(query, { count: 5 })).toThrow(TypeError);
    expect(() => (query.criteria as unknown[]).push({})).toThrow(TypeError);
  });

  test('repeats are several criteria, commas several values', () => {
    const { criteria } = parse('Patient', 'given=a,b&given=c');
    expect(criteria).toMatchObject([{ texts: ['a', 'b'] }, { texts: ['c'] }]);
  });

  test('a plus sign that arrived as a space is the zone of a date', () => {
    const { criteria } = parse('Observation', 'date=ge2026-11-20T10:00:00+01:00');
    expect(criteria).toMatchObject([{ values: [{ prefix: 'ge', low: Date.parse('2026-11-20T09:00:00Z') }] }]);
  });

  test('a reference below the own base is one to this server', () => {
    const texts = ['Patient/1', 'https://clinic.example/t/demo/fhir/Patient/1', '1'].map(
      (value) => parse('Observation', queryOf(['patient', value])).criteria[0],
    );
    expect(texts).toEqual(Array(3).fill({ kind: 'value', key: 'Observation.patient', texts: ['Patient/1'] }));
  });

  test('an id alone is looked up as each type it may be', () => {
    const { criteria } = parse('Observation', 'subject=1');
    expect(criteria).toMatchObject([{ texts: ['Group/1', 'Device/1', 'Patient/1', 'Location/1'] }]);
    expect(parse('Observation', 'subject:Device=1').criteria).toMatchObject([{ texts: ['Device/1'] }]);
  });

  test('the default order is the one of the index that finds', () => {
    const order = (type: string, query: string) => parse(type, query).sort[0];
    expect(order('Patient', 'name=a')).toEqual({ by: 'id', isDescending: false, isFree: true });
    expect(order('Patient', '_lastUpdated=gt2026')).toEqual({ by: 'lastUpdated', isDescending: false });
    expect(order('Appointment', 'date=2026')).toMatchObject({ by: { code: 'date' }, isDescending: false });
    expect(order('AuditEvent', '')).toEqual({ by: 'lastUpdated', isDescending: true });
  });

  test('_count=0 asks for the total alone', () => {
    expect(parse('Patient', '_count=0').summary).toBe('count');
    expect(parse('Patient', '_count=0&_summary=true').summary).toBe('count');
  });

  test('of a sort only what can be sorted by, of a count what is sent', () => {
    const { understood } = parse('Patient', '_sort=-family,nothing,_id,_lastUpdated&_count=5000', {
      handling: 'lenient',
    });
    expect(understood).toEqual([
      ['_sort', '-family,_id,_lastUpdated'],
      ['_count', '1000'],
    ]);
  });

  test.each([
    ['_include=*', { direction: 'forward', sourceType: '*', parameter: '*', iterate: false }],
    ['_include=Patient:link:Patient', { sourceType: 'Patient', parameter: 'link', targetType: 'Patient' }],
    ['_include:iterate=Organization:partof', { direction: 'forward', sourceType: 'Organization', iterate: true }],
    ['_revinclude=Observation:subject', { direction: 'reverse', sourceType: 'Observation', parameter: 'subject' }],
    ['_revinclude:iterate=Provenance:*', { direction: 'reverse', sourceType: 'Provenance', iterate: true }],
  ])('%s is an include of its own', (query, expected) => {
    expect(parse('Patient', query).includes).toEqual([expect.objectContaining(expected)]);
  });

  test('a result parameter given twice is not guessed at', () => {
    expect(refusal('Patient', '_count=5&_count=6')).toMatchObject({ status: 400 });
  });
});
