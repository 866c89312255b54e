// `$translate`: the codes of another system for a code: https://hl7.org/fhir/R4/conceptmap-operation-translate.html

import type { CodeableConcept, Coding, ConceptMap, Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { read } from '../repository/read.ts';
import type { Session } from '../repository/session.ts';
import type { Dependency } from '../terminology/dependencies.ts';
import {
  findConceptMap,
  findMapOfResource,
  findMapsFor,
  isTranslated,
  type Match,
  type StoredMap,
  type Translated,
  type Translation,
  toStoredMap,
  translate as translateCode,
} from '../terminology/translate.ts';
import type { Operation, OperationCall } from './operation.ts';
import { codingsOf, inputOf, inputsOf, requireEveryOne } from './terminology-inputs.ts';
import { translateParameters } from './translate-parameters.ts';

export const translate: Operation = {
  code: 'translate',
  definition: {
    id: 'ConceptMap-translate',
    url: 'http://hl7.org/fhir/OperationDefinition/ConceptMap-translate',
    name: 'Concept Translation',
    title: 'Concept Translation',
    description:
      'Translate a code from one value set to another, based on the concept maps that are here: the one that is named or given, or all that have the code. What a map lets depend on other elements holds only where `dependency` tells their values; maps are not told apart by the `version` of the system.',
  },
  levels: ['type', 'instance'],
  resourceTypes: ['ConceptMap'],
  affectsState: false,
  permission: 'r',
  parameters: translateParameters,
  async run(session, call) {
    requireEveryOne(session, 'ConceptMap');
    const found: Translated[] = [];
    for (const asked of translationsOf(call)) {
      found.push(await translateCode(session.trx, await mapsOf(session, call, asked), asked));
    }
    return { resource: answerOf(found) };
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
  const reverse = inputOf<boolean>(call, 'reverse') ?? false;
  const dependencies = dependenciesOf(call);
  if (reverse && dependencies.length > 0) {
    throw fhirError('not-supported', 'Give no "dependency" with "reverse": targets depend on nothing.', {
      status: 400,
    });
  }
  const codings = codingsOf(concept) ?? [coding ?? { code, system: inputOf<string>(call, 'system') }];
  return codings.map((one) => {
    if (one?.code === undefined || one.system === undefined) {
      throw fhirError('required', 'A code is known by its system; give both.', { status: 400 });
    }
    return {
      ...{ system: one.system, code: one.code, reverse, dependencies },
      targetSystem: inputOf<string>(call, 'targetsystem'),
    };
  });
}

function dependenciesOf(call: OperationCall): Dependency[] {
  return inputsOf<ParametersParameter[]>(call, 'dependency').map((parts) => {
    const element = parts.find(({ name }) => name === 'element')?.valueUri;
    const concept = parts.find(({ name }) => name === 'concept')?.valueCodeableConcept;
    if (element !== undefined && concept && parts.length === 2) return { element, concept };
    throw fhirError('invalid', 'A "dependency" has the parts "element" (uri) and "concept" (CodeableConcept).', {
      expression: 'Parameters.parameter',
    });
  });
}

async function mapsOf(session: Session, call: OperationCall, asked: Translation): Promise<StoredMap[]> {
  const { trx } = session;
  const [url, version] = (inputOf<string>(call, 'url') ?? '').split('|');
  const given = inputOf<ConceptMap>(call, 'conceptMap');
  if ([call.id !== '', url, given].filter(Boolean).length > 1) {
    throw fhirError('invalid', 'Name one concept map: that of the URL, of "url" or the "conceptMap" itself.', {
      expression: 'Parameters.parameter',
    });
  }
  if (given) return [toStoredMap(given)];
  if (call.id !== '') {
    const map = await findMapOfResource(trx, call.id);
    if (map) return [map];
    await read(session, 'ConceptMap', call.id);
    throw fhirError('not-supported', 'The index has not come by this ConceptMap yet; ask again later, or update it.', {
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

function answerOf(found: readonly Translated[]): Parameters {
  const matches = found.flatMap((one) => one.matches);
  const result = isTranslated(matches);
  const message = messageOf(result, [...new Set(found.flatMap(({ unmet }) => unmet))]);
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'result', valueBoolean: result },
      ...(message === undefined ? [] : [{ name: 'message', valueString: message }]),
      ...matches.map(matchParameter),
    ],
  };
}

/** Where there are matches, "a note that the matches could be improved by providing additional detail". */
function messageOf(result: boolean, unmet: readonly string[]): string | undefined {
  const hint = `What other elements hold would tell more, as "dependency": ${unmet.slice(0, 10).join(', ')}.`;
  if (unmet.length > 0) return hint;
  return result ? undefined : 'No concept map here has a translation of this code.';
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
