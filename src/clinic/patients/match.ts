// `Patient/$match`: who of the registered patients is meant, with how sure that is: https://hl7.org/fhir/R4/patient-operation-match.html

import type { Bundle, BundleEntry, Patient } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Operation, OperationCall } from '../../operations/operation.ts';
import type { Content } from '../../repository/change.ts';
import { findExact, markExact, unmarkExact } from '../../repository/exact-tree.ts';
import { meetsRows } from '../../repository/row-access.ts';
import type { Session } from '../../repository/session.ts';
import { type Candidate, findCandidates, lookupsOf, nameLookups } from './candidates.ts';
import { gradeOf, type Likeness, likenessOf, possibleFrom, score } from './likeness.ts';

const countDefault = 20;
const countMax = 100;
/** Of one lookup. */
const candidatesMax = 100;

export const match: Operation = {
  code: 'match',
  definition: {
    id: 'Patient-match',
    url: 'http://hl7.org/fhir/OperationDefinition/Patient-match',
    name: 'Match',
    title: 'Find patient matches using MPI based logic',
    description:
      'A Master Patient Index (MPI) is a service used to manage patient identification in a context where multiple patient databases exist. The registered patients that may be the one given are returned as a searchset, each with a score from 0 to 1 and a grade (certain from 0.95, probable from 0.8, possible from 0.6), the most likely first. Names, date of birth, identifiers, phone numbers and gender are compared, as far as both have them. Without a count 20 are given, and never more than 100.',
  },
  levels: ['type'],
  resourceTypes: ['Patient'],
  affectsState: false,
  permission: 's',
  parameters: [
    {
      ...{ name: 'resource', use: 'in', min: 1, max: 1, type: 'Resource' },
      documentation:
        'Use this to provide an entire set of patient details for the MPI to match against (e.g. POST a patient record to Patient/$match).',
    },
    {
      ...{ name: 'onlyCertainMatches', use: 'in', min: 0, max: 1, type: 'boolean' },
      documentation:
        'If there are multiple potential matches, then the match should not return the results with this flag set to true. When false, the server may return multiple results with each result graded accordingly.',
    },
    {
      ...{ name: 'count', use: 'in', min: 0, max: 1, type: 'integer' },
      documentation:
        'The maximum number of records to return. If no value is provided, the server decides how many matches to return. Note that clients should be careful when using this, as it may prevent probable - and valid - matches from being returned',
    },
    {
      ...{ name: 'return', use: 'out', min: 1, max: 1, type: 'Bundle' },
      documentation:
        'A bundle contain a set of Patient records that represent possible matches, optionally it may also contain an OperationOutcome with further information about the search results (such as warnings or information messages, such as a count of records that were close but eliminated) If the operation was unsuccessful, then an OperationOutcome may be returned along with a BadRequest status Code (e.g. security issue, or insufficient properties in patient fragment - check against profile)',
    },
  ],
  async run(session, call) {
    const likeness = likenessOf(patientOf(call));
    const { names, birthDate, phones, identifiers } = likeness;
    if (names.length === 0 && birthDate === undefined && phones.length === 0 && identifiers.size === 0) {
      throw fhirError('required', 'Give a name, a date of birth, a phone number or an identifier to match by.', {
        expression: 'Patient',
      });
    }
    const matches = await findMatching(session, likeness);
    const isCertainOnly = call.inputs.get('onlyCertainMatches')?.[0]?.value === true;
    const shown = isCertainOnly ? onlyCertain(matches) : matches.slice(0, countOf(call));
    for (const { id, patient } of shown) {
      session.notes?.show({ type: 'Patient', id, versionId: Number(patient.meta?.versionId), body: undefined });
    }
    return searchset(call, shown);
  },
};

interface Match extends Candidate {
  readonly score: number;
}

function patientOf({ inputs }: OperationCall): Patient {
  const resource = inputs.get('resource')?.[0]?.value as Patient;
  if (resource.resourceType === 'Patient') return resource;
  throw fhirError('invalid', 'The resource to match by is a Patient.', {
    expression: "Parameters.parameter.where(name = 'resource')",
  });
}

function countOf({ inputs }: OperationCall): number {
  const count = inputs.get('count')?.[0]?.value as number | undefined;
  if (count === undefined) return countDefault;
  if (count >= 1) return Math.min(count, countMax);
  throw fhirError('value', 'The count of matches is 1 or more.', {
    status: 400,
    expression: "Parameters.parameter.where(name = 'count')",
  });
}

/** The best first; only those that the caller may find. */
async function findMatching(session: Session, likeness: Likeness): Promise<Match[]> {
  const lookups = [...lookupsOf(likeness), ...nameLookups(likeness)];
  const [candidates = []] = await findCandidates(session, { lookups: [lookups], candidatesMax });
  const matches: Match[] = [];
  for (const candidate of candidates) {
    const found = { ...candidate, score: score(likeness, likenessOf(candidate.patient)) };
    if (found.score < possibleFrom) continue;
    if (await meetsRows(session, 's', candidate.patient, candidate.exactNumbers)) matches.push(found);
  }
  return matches.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}

/** One that is certain, when no other one is: https://hl7.org/fhir/R4/patient-operation-match.html */
function onlyCertain(matches: readonly Match[]): Match[] {
  const certain = matches.filter((match) => gradeOf(match.score) === 'certain');
  return certain.length === 1 ? certain : [];
}

/** Where the numbers of the patients are, is told when the Bundle is complete. */
function searchset({ baseUrl }: OperationCall, matches: readonly Match[]): Content {
  const entry = matches.map(
    ({ id, patient, exactNumbers, score }): BundleEntry => ({
      fullUrl: `${baseUrl}/Patient/${id}`,
      resource: markExact(patient, exactNumbers) as Patient,
      search: {
        extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/match-grade', valueCode: gradeOf(score) }],
        mode: 'match',
        score,
      },
    }),
  );
  const bundle: Bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    total: matches.length,
    ...(entry.length > 0 && { entry }),
  };
  const exactNumbers = findExact(bundle);
  return { resource: unmarkExact(bundle) as Bundle, ...(exactNumbers.size > 0 && { exactNumbers }) };
}
