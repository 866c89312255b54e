// XML is taken by the definitions, and what R4 does not allow is refused by its path: https://hl7.org/fhir/R4/xml.html

import { describe, expect, test } from '@jest/globals';
import { loadDefinitions } from '../../../src/fhir/definitions.ts';
import { serializeJson } from '../../../src/fhir/json.ts';
import { FhirError } from '../../../src/fhir/outcome.ts';
import { parseXml } from '../../../src/fhir/xml/parse-xml.ts';
import { createValidator } from '../../../src/validation/validate.ts';

const definitions = loadDefinitions();
const xhtml = 'xmlns="http://www.w3.org/1999/xhtml"';

function jsonOf(xml: string): string {
  const { value, exactNumbers } = parseXml(xml, definitions);
  return serializeJson(value, exactNumbers);
}

function patient(content: string): string {
  return `<Patient xmlns="http://hl7.org/fhir">${content}</Patient>`;
}

function patientJson(content: string): unknown {
  return JSON.parse(jsonOf(patient(content)));
}

function observation(content: string): string {
  return jsonOf(`<Observation xmlns="http://hl7.org/fhir">${content}</Observation>`);
}

function refusal(xml: string): FhirError {
  try {
    parseXml(xml, definitions);
  } catch (error) {
    if (error instanceof FhirError && error.status === 400 && error.issues[0]?.code === 'structure') return error;
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('what XML says, JSON says', () => {
  test('lists by cardinality, ids and urls from attributes, extensions beside values', () => {
    const content = `<id value="a"/><name id="n"><given value="A"/><given id="g" value="B">
      <extension url="http://x"><valueBoolean value="true"/></extension></given><given value="C"/></name>
      <birthDate><extension url="http://y"><valueCode value="unknown"/></extension></birthDate><deceasedBoolean value="false"/>`;
    expect(patientJson(content)).toEqual({
      resourceType: 'Patient',
      id: 'a',
      name: [
        {
          id: 'n',
          given: ['A', 'B', 'C'],
          _given: [null, { id: 'g', extension: [{ url: 'http://x', valueBoolean: true }] }, null],
        },
      ],
      _birthDate: { extension: [{ url: 'http://y', valueCode: 'unknown' }] },
      deceasedBoolean: false,
    });
  });

  test.each(['1.00', '-0.0', '1e2', '1E+2', '12345678901234567890.5', '0', '7'])(
    'decimal %s keeps its text',
    (text) => {
      expect(observation(`<valueQuantity><value value="${text}"/></valueQuantity>`)).toContain(`{"value":${text}}`);
    },
  );

  test.each(['1.', '.5', '1,5', '0x10', 'NaN', '1e400', '1e-400', `1.${'0'.repeat(40)}`, `1e${'0'.repeat(90)}`, '+1'])(
    '%j is no decimal of FHIR: it stays text, which the validator refuses',
    (text) => {
      expect(observation(`<valueQuantity><value value="${text}"/></valueQuantity>`)).toContain(`{"value":"${text}"}`);
    },
  );

  test.each([
    ['+5', '5'],
    ['-5', '-5'],
    ['5.0', '"5.0"'],
    ['05', '"05"'],
    ['5e0', '"5e0"'],
  ])('integer %s', (text, json) => {
    expect(observation(`<valueInteger value="${text}"/>`)).toContain(`"valueInteger":${json}}`);
  });

  test('booleans are true or false, nothing else', () => {
    expect(patientJson('<active value="true"/>')).toMatchObject({ active: true });
    expect(patientJson('<active value="1"/>')).toMatchObject({ active: '1' });
  });

  test('a text where JSON has a number or boolean is refused by the validator, with its path', () => {
    const { value } = parseXml(patient('<active value="yes"/><multipleBirthInteger value="1.5"/>'), definitions);
    const validate = createValidator(definitions);
    expect(validate(value).map(({ expression }) => expression)).toEqual([
      ['Patient.active'],
      ['Patient.multipleBirth'],
    ]);
  });

  test('white space around a value is trimmed, but not that of strings and markdown, whose own it may be', () => {
    const content = `<id value=" a "/><active value="\ntrue "/><name><family value=" a "/></name>
      <gender value="&#9;male\n"/><photo><data value=" aGVs&#10;bG8= "/></photo>`;
    expect(patientJson(content)).toEqual({
      resourceType: 'Patient',
      id: 'a',
      active: true,
      name: [{ family: ' a ' }],
      gender: 'male',
      photo: [{ data: 'aGVs\nbG8=' }],
    });
  });

  test('the five entities and character references', () => {
    expect(patientJson('<name><family value="&lt;&gt;&amp;&apos;&quot;&#65;&#x1F600;"/></name>')).toMatchObject({
      name: [{ family: '<>&\'"A\u{1f600}' }],
    });
  });

  test.each([
    '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<!-- a --><Patient xmlns="http://hl7.org/fhir"><!-- b -->\n<active value="true"/></Patient>\n<!-- c -->',
    '<f:Patient xmlns:f="http://hl7.org/fhir"><f:active value="true"></f:active></f:Patient>',
    '<Patient xmlns="http://hl7.org/fhir" xmlns:unused="http://x"><active value=\'true\' /></Patient>\r',
  ])('declarations, comments, prefixes and formatting are no content: %j', (xml) => {
    expect(jsonOf(xml)).toBe('{"resourceType":"Patient","active":true}');
  });

  test('resources in resources: contained, entries of a Bundle, parameters', () => {
    const xml = `<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry><resource><Parameters><parameter>
      <name value="p"/><resource><Patient><contained><Basic><id value="b"/></Basic></contained></Patient></resource>
      </parameter></Parameters></resource></entry><entry><fullUrl value="urn:x"/></entry></Bundle>`;
    const inner = { resourceType: 'Patient', contained: [{ resourceType: 'Basic', id: 'b' }] };
    expect(JSON.parse(jsonOf(xml))).toEqual({
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        { resource: { resourceType: 'Parameters', parameter: [{ name: 'p', resource: inner }] } },
        { fullUrl: 'urn:x' },
      ],
    });
  });
});

describe('narratives', () => {
  const narrative = (div: string) => `<text><status value="generated"/>${div}</text>`;

  test.each([`<div ${xhtml}/>`, `<div\n${xhtml} >a<!-- b --><p\tclass='x'>&#160;</p  ><br /><![CDATA[&]]></div >`])(
    '%j is kept letter by letter',
    (div) => {
      expect(patientJson(narrative(div))).toMatchObject({ text: { div } });
    },
  );

  test.each([
    `<Patient xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml">${narrative('<h:div h:x="1">a<h:br/></h:div>').replace(' h:x="1"', '')}</Patient>`,
    `<f:Patient ${xhtml} xmlns:f="http://hl7.org/fhir"><f:text><f:status value="generated"/><div>a<br/></div></f:text></f:Patient>`,
    patient(narrative('<h:div xmlns:h="http://www.w3.org/1999/xhtml">a<h:br></h:br></h:div>')).replace(
      '<h:br></h:br>',
      '<h:br/>',
    ),
  ])('prefixes of the document are undone, for in JSON a narrative stands alone: %j', (xml) => {
    expect(JSON.parse(jsonOf(xml))).toMatchObject({ text: { div: `<div ${xhtml}>a<br/></div>` } });
  });

  test('what is undone stays escaped', () => {
    const div =
      '<h:div xmlns:h="http://www.w3.org/1999/xhtml" title="&quot;&lt;" xml:lang="de">&lt;<![CDATA[<b>]]>&amp;<!-- c --></h:div>';
    expect(patientJson(narrative(div))).toMatchObject({
      text: { div: `<div ${xhtml} title="&quot;&lt;" xml:lang="de">&lt;&lt;b&gt;&amp;</div>` },
    });
  });

  test.each([
    [`<div ${xhtml}><script xmlns="http://www.w3.org/2000/svg"/></div>`, 'an element that is not of the namespace'],
    [
      `<div ${xhtml}><x:include xmlns:x="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/></div>`,
      'namespace',
    ],
    [`<div ${xhtml} xmlns:l="http://l" l:href="x"/>`, 'an attribute of another namespace'],
  ])('R4 knows no third namespace: %s', (div, fault) => {
    expect(refusal(patient(narrative(div))).message).toContain(fault);
  });

  test('div of the wrong namespace', () => {
    const error = refusal(patient(narrative('<div>a</div>')));
    expect(error.message).toBe('Patient.text.div must be of the namespace http://www.w3.org/1999/xhtml.');
  });
});

describe('refused, with the path of the element at fault', () => {
  test.each([
    ['<nothing value="1"/>', 'Patient.nothing', 'Patient has no element nothing'],
    [
      '<name><given value="a"/><given><foo/></given></name>',
      'Patient.name[0].given[1].foo',
      'string has no element foo',
    ],
    ['<name><given value="a"/></name><name><given valu="b"/></name>', 'Patient.name[1].given[0]', 'no attribute valu'],
    ['<name text="a"/>', 'Patient.name[0]', 'HumanName has no attribute text'],
    ['<id id="x" value="a"/>', 'Patient.id', 'id has no attribute id'],
    ['<id value="a"><extension url="x"/></id>', 'Patient.id.extension', 'no element extension'],
    ['<extension><url value="x"/></extension>', 'Patient.extension[0].url', 'Extension has no element url'],
    ['<active x:value="true" xmlns:x="http://hl7.org/fhir"/>', 'Patient.active', 'an attribute of another namespace'],
    ['<active value="true" xml:lang="de"/>', 'Patient.active', 'an attribute of another namespace'],
    ['<x:active xmlns:x="http://x" value="true"/>', 'Patient.active', 'must be of the namespace http://hl7.org/fhir'],
    ['<active value=""/>', 'Patient.active', 'has an empty attribute value'],
    ['<active value=" "/>', 'Patient.active', 'has an empty attribute value'],
    ['<name><family value=""/></name>', 'Patient.name[0].family', 'has an empty attribute value'],
    ['<name id=""><family value="a"/></name>', 'Patient.name[0]', 'has an empty attribute id'],
    ['<extension url=" "><valueCode value="a"/></extension>', 'Patient.extension[0]', 'has an empty attribute url'],
    ['<name/>', 'Patient.name[0]', 'is empty'],
    ['<name id="a"/>', 'Patient.name[0]', 'is empty'],
    ['<active/>', 'Patient.active', 'is empty'],
    ['<extension url="http://x"/>', 'Patient.extension[0]', 'is empty'],
    ['<birthDate>1980-01-01</birthDate>', 'Patient.birthDate', 'has text in it'],
    ['<name>\u00a0<family value="a"/></name>', 'Patient.name[0]', 'has text in it'],
    ['<name><![CDATA[ ]]></name>', 'Patient.name[0]', 'has text in it'],
    ['<active value="true"/><active value="true"/>', 'Patient.active', 'must be there once only'],
    ['<deceasedBoolean value="true"/><deceasedDateTime value="2020"/>', 'Patient.deceased', 'must be of one type'],
    ['<gender value="male"/><active value="true"/>', 'Patient.active', 'must come before gender'],
    [
      '<name><text value="a"/></name><gender value="male"/><name><text value="b"/></name>',
      'Patient.name[1]',
      'must come before gender',
    ],
    ['<name><given value="a"/><family value="b"/></name>', 'Patient.name[0].family', 'must come before given'],
    ['<contained/>', 'Patient.contained[0]', 'must hold a resource'],
    ['<contained id="a"><Basic/></contained>', 'Patient.contained[0]', 'no attribute id'],
    ['<contained><Basic/><Basic/></contained>', 'Patient.contained[0]', 'holds more than one resource'],
    [
      '<contained><Basic/></contained><contained><Basic><nothing/></Basic></contained>',
      'Patient.contained[1].nothing',
      'Basic has no element',
    ],
    ['<contained><Resource/></contained>', 'Patient.contained[0]', 'Resource is not a resource type'],
    ['<contained><Basic xmlns="http://x"/></contained>', 'Patient.contained[0]', 'must be of the namespace'],
    [
      '<include xmlns="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>',
      'Patient.include',
      'no element include',
    ],
    ['<toString value="a"/>', 'Patient.toString', 'no element toString'],
    ['<__proto__ value="a"/>', 'Patient', 'no element of this name'],
  ])('%s', (content, expression, fault) => {
    const error = refusal(patient(content));
    expect(error.issues[0]?.expression).toEqual([expression]);
    expect(error.message).toContain(fault);
  });

  test.each([
    ['<Nothing xmlns="http://hl7.org/fhir"/>', 'Nothing is not a resource type of FHIR R4.'],
    ['<HumanName xmlns="http://hl7.org/fhir"/>', 'HumanName is not a resource type of FHIR R4.'],
    ['<Patient/>', 'A resource must be of the namespace http://hl7.org/fhir.'],
    ['<feed xmlns="http://www.w3.org/2005/Atom"/>', 'A resource must be of the namespace http://hl7.org/fhir.'],
    ['<Patient xmlns="http://hl7.org/fhir" id="a"/>', 'Patient has no attribute id.'],
    [
      '<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b"/>',
      'Patient has an attribute of another namespace; R4 forbids them, xsi:schemaLocation too.',
    ],
  ])('the root of %s', (xml, message) => {
    expect(refusal(xml).message).toBe(message);
  });
});
