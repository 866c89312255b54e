// What becomes of an answer's JSON text: https://hl7.org/fhir/R4/http.html#parameters and https://hl7.org/fhir/R4/search.html#summary

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { parseXml } from '../../src/fhir/xml/parse-xml.ts';
import { answerFormat, plainFormat } from '../../src/http/answer-format.ts';
import { answerSubset } from '../../src/http/answer-subset.ts';
import { prettyJson, represent } from '../../src/http/represent.ts';
import type { InteractionCode } from '../../src/http/route.ts';

const seed = 20_260_731;
const definitions = loadDefinitions();
const mark = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

/** The text that is answered to `?query`. */
function answered(json: string, query: string, code: InteractionCode = 'read'): string {
  const pairs = new URLSearchParams(query);
  const format = answerFormat(undefined, pairs) ?? plainFormat;
  return represent(definitions, json, { format, subset: answerSubset(code, pairs) });
}

describe('_pretty', () => {
  test('indents and keeps the text of every number', () => {
    const json = '{"resourceType":"Observation","valueQuantity":{"value":1.10},"n":[-0,1e5,12345678901234567890.10]}';
    const pretty = answered(json, '_pretty=true');
    expect(pretty).toContain('\n  "valueQuantity": {\n    "value": 1.10\n  }');
    expect(pretty.replaceAll(/\n */g, '').replaceAll('": ', '":')).toBe(json);
  });

  test('false, and nothing said, is the text itself', () => {
    expect(answered('{ "a":1.0}', '_pretty=false')).toBe('{ "a":1.0}');
    expect(answered('{ "a":1.0}', '')).toBe('{ "a":1.0}');
  });

  test('another value is 400', () => expect(() => answered('{}', '_pretty=1')).toThrow('_pretty is true or false'));

  test('any JSON has the same content indented', () => {
    fc.assert(
      fc.property(fc.json(), (json) => expect(JSON.parse(prettyJson(json))).toEqual(JSON.parse(json))),
      { seed },
    );
  });
});

describe('_summary and _elements', () => {
  const patient = JSON.stringify({
    resourceType: 'Patient',
    id: '1',
    meta: { versionId: '2', tag: [{ code: 'own' }] },
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
    extension: [{ url: 'http://a', valueDecimal: 1 }],
    active: true,
    name: [{ family: 'Muster', extension: [{ url: 'http://b', valueString: 'kept' }] }],
    _birthDate: { id: 'b' },
    photo: [{ title: 'x' }],
    contact: [{ gender: 'other' }],
    communication: [{ language: { text: 'x' } }],
  });
  const membersOf = (query: string) => Object.keys(JSON.parse(answered(patient, query))).sort();
  const own = ['id', 'meta', 'resourceType'];

  test.each([
    ['_summary=true', ['active', 'name', '_birthDate', ...own]],
    ['_summary=text', ['text', ...own]],
    ['_summary=data', ['extension', 'active', 'name', '_birthDate', 'photo', 'contact', 'communication', ...own]],
    ['_elements=photo', ['active', 'photo', ...own]],
    ['_elements=Patient.photo,Observation.value', ['active', 'photo', ...own]],
    ['_elements=photo&_summary=text', ['active', 'photo', ...own]],
  ])('%s', (query, members) => expect(membersOf(query)).toEqual(members.sort()));

  test('say so with a tag beside those of the resource', () => {
    const { meta } = JSON.parse(answered(patient, '_summary=true'));
    expect(meta).toEqual({ versionId: '2', tag: [{ code: 'own' }, mark] });
  });

  test('_summary=true leaves out what is no summary deeper down, but no extension and nothing mandatory', () => {
    const json = JSON.stringify({
      resourceType: 'DocumentReference',
      status: 'current',
      content: [{ attachment: { data: 'AAAA', title: 'x' } }, { attachment: { data: 'BBBB' } }],
      identifier: [{ value: '1', extension: [{ url: 'http://b', valueString: 'kept' }] }],
      context: { encounter: [{ reference: 'Encounter/1' }], sourcePatientInfo: { reference: 'Patient/1' } },
    });
    const { content, identifier } = JSON.parse(answered(json, '_summary=true'));
    expect(content).toEqual([{ attachment: { title: 'x' } }, { attachment: { data: 'BBBB' } }]);
    expect(identifier[0].extension).toHaveLength(1);
  });

  test('keep the text of numbers', () => {
    const json = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.10}}';
    expect(answered(json, '_summary=true')).toContain('1.10');
    expect(answered(json, '_elements=value')).toContain('1.10');
  });

  test.each(['_summary=false', '_summary=true&_elements=', 'other=1'])('%s', (query) => {
    if (query.includes('_elements')) expect(() => answered(patient, query)).toThrow('_elements is a list');
    else expect(answered(patient, query)).toBe(patient);
  });

  test.each(['_summary=count', '_summary=x', '_summary=', `_elements=${'a,'.repeat(100)}a`, '_elements=a b'])(
    '%s is 400',
    (query) => expect(() => answered(patient, query)).toThrow(/_summary|_elements/),
  );

  test('of a history make the resources of its entries smaller', () => {
    const json = `{"resourceType":"Bundle","type":"history","entry":[{"resource":${patient}},{"request":{"method":"DELETE","url":"Patient/1"}}]}`;
    const { meta, entry } = JSON.parse(answered(json, '_summary=text', 'history-system'));
    expect(meta).toBeUndefined();
    expect(Object.keys(entry[0].resource).sort()).toEqual(['text', ...own].sort());
    expect(entry[1]).toEqual({ request: { method: 'DELETE', url: 'Patient/1' } });
  });

  test('of a read Bundle make the Bundle itself smaller, also where it is a history', () => {
    const json = `{"resourceType":"Bundle","type":"history","entry":[{"resource":${patient}}]}`;
    const bundle = JSON.parse(answered(json, '_summary=true', 'read'));
    expect(bundle.meta.tag).toEqual([mark]);
    expect(bundle.entry[0].resource).toEqual(JSON.parse(patient));
  });

  test('leave searches to the search, and batches and Parameters whole', () => {
    const searchset = `{"resourceType":"Bundle","type":"searchset","entry":[{"resource":${patient}}]}`;
    expect(answered(searchset, '_summary=text', 'search-type')).toBe(searchset);
    expect(JSON.parse(answered(searchset, '_summary=text', 'operation')).entry[0].resource.meta.tag).toContainEqual(
      mark,
    );
    for (const whole of [
      '{"resourceType":"Parameters","parameter":[{"name":"a","valueString":"b"}]}',
      `{"resourceType":"Bundle","type":"document","entry":[{"resource":${patient}}]}`,
      '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid"}]}',
    ]) {
      expect(answered(whole, '_summary=text', 'operation')).toBe(whole);
    }
  });
});

describe('XML', () => {
  test('has the subset and the digits of its numbers', () => {
    const json =
      '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.10},"note":[{"text":"n"}]}';
    const xml = answered(json, '_format=xml&_summary=true');
    expect(xml).toContain('<value value="1.10"/>');
    expect(xml).not.toContain('<note>');
    expect(parseXml(xml, definitions).value).toEqual(JSON.parse(answered(json, '_summary=true')));
  });
});
