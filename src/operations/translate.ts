// `$translate`: the codes of another system for a code: https://hl7.org/fhir/R4/conceptmap-operation-translate.html

import type { CodeableConcept, Coding, Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { read } from '../repository/read.ts';
import type { Session } from '../repository/session.ts';
import {
  findConceptMap,
  findMapOfResource,
  findMapsFor,
  isTranslated,
  type Match,
  type StoredMap,
  type Translation,
  translate as translateCode,
} from '../terminology/translate.ts';
import type { Operation, OperationCall } from './operation.ts';
import { input, inputOf, output } from './terminology-inputs.ts';

export const translate: Operation = {
  code: 'translate',
  definition: {
    id: 'ConceptMap-translate',
    url: 'https://hpms.example/fhir/OperationDefinition/ConceptMap-translate',
    base: 'http://hl7.org/fhir/OperationDefinition/ConceptMap-translate',
    name: 'Concept Translation',
    title: 'Concept Translation',
    description:
      'Translate a code from one value set to another, based on the concept maps that are here: the one that is named, or all that have the code. The parameters `conceptMap` and `dependency` are not offered.',
  },
  levels: ['type', 'instance'],
  resourceTypes: ['ConceptMap'],
  affectsState: false,
  permission: 'r',
  parameters: [
    input('url', 'uri', 'A canonical URL for a concept map'),
    input('conceptMapVersion', 'string', 'The version of the concept map to be used'),
    input('code', 'code', 'The code that is to be translated; its system must be provided'),
    input('system', 'uri', 'The system for the code that is to be translated'),
    input('version', 'string', 'The version of the system; maps are not told apart by it'),
    input('source', 'uri', 'The value set used when the concept was chosen'),
    input('coding', 'Coding', 'A coding to translate'),
    input('codeableConcept', 'CodeableConcept', 'A full codeableConcept to translate: each of its codings'),
    input('target', 'uri', 'The value set in which a translation is sought'),
    input('targetsystem', 'uri', 'A target code system in which a mapping is sought'),
    input('reverse', 'boolean', 'True: the codes that are mapped to this one'),
    output('result', 'boolean', 'True if the concept could be translated successfully', [1, 1]),
    output('message', 'string', 'Error details'),
    {
      ...{ name: 'match', use: 'out', min: 0, max: '*', documentation: 'A concept in the target value set' },
      parts: [
        output('equivalence', 'code', 'The equivalence of the translation'),
        output('concept', 'Coding', 'The translation outcome'),
        {
          ...{ name: 'product', use: 'out', min: 0, max: '*', documentation: 'Another element of the mapping' },
          parts: [
            output('element', 'uri', 'The element for this product'),
            output('concept', 'Coding', 'The value of this element'),
          ],
        },
        output('source', 'uri', 'The canonical URL for the concept map from which this mapping comes from'),
      ],
    },
  ],
  async run(session, call) {
    const matches: Match[] = [];
    for (const asked of translationsOf(call)) {
      matches.push(...(await translateCode(session.trx, await mapsOf(session, call, asked), asked)));
    }
    return { resource: answerOf(matches) };
  },
};

function translationsOf(call: OperationCall): Translation[] {
  const code = inputOf<string>(call, 'code');
  const coding = inputOf<Coding>(call, 'coding');
  const concept = inputOf<CodeableConcept>(call, 'codeableConcept');
  if ([code, coding, concept].filter((one) => one !== undefined).length !== 1) {
    throw fhirError('required', 'Give one of "code", "coding", "codeableConcept".', {
      status: 400,
      expression: 'Parameters.parameter',
    });
  }
  const codings = concept?.coding ?? [coding ?? { code, system: inputOf<string>(call, 'system') }];
  return codings.map((one) => {
    if (one?.code === undefined || one.system === undefined) {
      throw fhirError('required', 'A code is known by its system; give both.', { status: 400 });
    }
    return {
      ...{ system: one.system, code: one.code, reverse: inputOf<boolean>(call, 'reverse') ?? false },
      targetSystem: inputOf<string>(call, 'targetsystem'),
    };
  });
}

async function mapsOf(session: Session, call: OperationCall, asked: Translation): Promise<StoredMap[]> {
  const { trx } = session;
  const [url, version] = (inputOf<string>(call, 'url') ?? '').split('|');
  if (call.id !== '') {
    const map = await findMapOfResource(trx, call.id);
    if (map) return [map];
    await read(session, 'ConceptMap', call.id);
    throw fhirError('not-supported', 'This ConceptMap was stored before maps were translated here: update it.', {
      status: 400,
    });
  }
  if (url) {
    const map = await findConceptMap(trx, url, inputOf<string>(call, 'conceptMapVersion') ?? version);
    if (map) return [map];
    throw fhirError('not-found', 'There is no ConceptMap here of the url that is asked for.', { status: 400 });
  }
  const wanted = { source: inputOf<string>(call, 'source'), target: inputOf<string>(call, 'target') };
  return await findMapsFor(trx, asked, wanted);
}

function answerOf(matches: readonly Match[]): Parameters {
  const result = isTranslated(matches);
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'result', valueBoolean: result },
      ...(result ? [] : [{ name: 'message', valueString: 'No concept map here has a translation of this code.' }]),
      ...matches.map(matchParameter),
    ],
  };
}

function matchParameter({ equivalence, concept, products, source }: Match): ParametersParameter {
  return {
    name: 'match',
    part: [
      { name: 'equivalence', valueCode: equivalence },
      ...(concept ? [{ name: 'concept', valueCoding: concept }] : []),
      ...products.map(({ property, system, value, display }) => ({
        name: 'product',
        part: [
          { name: 'element', valueUri: property ?? '' },
          {
            name: 'concept',
            valueCoding: { ...(system && { system }), code: value ?? '', ...(display && { display }) },
          },
        ],
      })),
      ...(source === '' ? [] : [{ name: 'source', valueUri: source }]),
    ],
  };
}
