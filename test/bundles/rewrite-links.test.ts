// Links are replaced where R4 lets them stand and nowhere else: https://hl7.org/fhir/R4/http.html#trules

import { describe, expect, test } from '@jest/globals';
import type { Resource } from '@medplum/fhirtypes';
import { rewriteLinks } from '../../src/bundles/rewrite-links.ts';
import { loadDefinitions } from '../../src/fhir/definitions.ts';
import { randomResource } from '../validation/random-resource.ts';

const definitions = loadDefinitions();
const link = 'urn:uuid:00000000-0000-4000-8000-000000000001';

function rewritten(resource: object): object {
  const copy = structuredClone(resource) as Resource;
  const ofUrl = (url: string) => (url === link ? 'Patient/new' : undefined);
  const undos: (() => void)[] = [];
  rewriteLinks(definitions, copy, { ofReference: ofUrl, ofUrl }, undos);
  const result = structuredClone(copy);
  for (const undo of undos) undo();
  // What is taken back leaves no trace.
  expect(copy).toEqual(resource);
  return result;
}

const reference = { reference: link };
const replaced = { reference: 'Patient/new' };

describe('a link is replaced', () => {
  test.each([
    ['in a reference', { resourceType: 'Observation', subject: reference }, { subject: replaced }],
    [
      'in a list of references',
      { resourceType: 'Observation', hasMember: [reference, {}] },
      { hasMember: [replaced, {}] },
    ],
    [
      'in a choice of types',
      { resourceType: 'MedicationRequest', medicationReference: reference },
      { medicationReference: replaced },
    ],
    [
      'in a backbone element',
      { resourceType: 'Encounter', participant: [{ individual: reference }] },
      { participant: [{ individual: replaced }] },
    ],
    [
      'in an extension',
      { resourceType: 'Patient', extension: [{ url: 'u', valueReference: reference }] },
      { extension: [{ url: 'u', valueReference: replaced }] },
    ],
    [
      'in a uri of an extension',
      { resourceType: 'Patient', extension: [{ url: 'u', valueUri: link }] },
      { extension: [{ url: 'u', valueUri: 'Patient/new' }] },
    ],
    [
      'in an extension of a primitive',
      { resourceType: 'Patient', _active: { extension: [{ url: 'u', valueReference: reference }] } },
      { _active: { extension: [{ url: 'u', valueReference: replaced }] } },
    ],
    [
      'in a contained resource',
      { resourceType: 'Patient', contained: [{ resourceType: 'Observation', subject: reference }] },
      { contained: [{ resourceType: 'Observation', subject: replaced }] },
    ],
    [
      'in a url',
      { resourceType: 'DocumentReference', content: [{ attachment: { url: link } }] },
      { content: [{ attachment: { url: 'Patient/new' } }] },
    ],
    ['in a uri', { resourceType: 'Provenance', policy: [link, 'urn:other'] }, { policy: ['Patient/new', 'urn:other'] }],
    [
      'in the narrative',
      { resourceType: 'Patient', text: { div: `<a href="${link}">${link}</a>` } },
      { text: { div: `<a href="Patient/new">${link}</a>` } },
    ],
    [
      'in the narrative, however its attribute is written',
      {
        resourceType: 'Patient',
        text: { div: `<a href='${link}'>x</a><a href = "${link}">y</a><img alt="" src\n=\t'${link}'/>` },
      },
      { text: { div: `<a href='Patient/new'>x</a><a href = "Patient/new">y</a><img alt="" src\n=\t'Patient/new'/>` } },
    ],
  ])('%s', (_, resource, expected) => {
    expect(rewritten(resource)).toMatchObject(expected);
  });
});

describe('everything else stays', () => {
  test.each([
    ['a string', { resourceType: 'Patient', name: [{ family: link }] }],
    ['an identifier', { resourceType: 'Patient', identifier: [{ system: 'urn:ietf:rfc:3986', value: link }] }],
    ['a canonical', { resourceType: 'Questionnaire', derivedFrom: [link] }],
    ['the url of an extension', { resourceType: 'Patient', extension: [{ url: link, valueBoolean: true }] }],
    ['a display', { resourceType: 'Observation', subject: { display: link } }],
    ['an unknown element', { resourceType: 'Patient', unknown: { reference: link } }],
    [
      'a Bundle inside, whose links are its own',
      {
        resourceType: 'Parameters',
        parameter: [
          {
            name: 'b',
            resource: {
              resourceType: 'Bundle',
              type: 'document',
              entry: [{ fullUrl: link, resource: { resourceType: 'Observation', subject: reference } }],
            },
          },
        ],
      },
    ],
    [
      'a document, whose links are its own',
      {
        resourceType: 'Bundle',
        type: 'document',
        entry: [{ fullUrl: link, resource: { resourceType: 'Observation', subject: reference } }],
      },
    ],
    ['what is no resource', { resourceType: 'Nothing', subject: reference }],
    ['values of wrong types', { resourceType: 'Observation', subject: 7, hasMember: 'x', component: [null, [], 'y'] }],
  ])('%s', (_, resource) => {
    expect(rewritten(resource)).toEqual(resource);
  });

  test('in random resources of every type', () => {
    for (const type of definitions.resourceTypes) {
      const resource = randomResource(definitions, type, 4711) as object;
      expect(rewritten(resource)).toEqual(resource);
    }
  });
});
