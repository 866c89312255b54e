// Which two Patients a `$merge` is about, named by reference or by identifiers: https://build.fhir.org/patient-operation-merge.html

import type { Identifier, Reference } from '@medplum/fhirtypes';
import { fhirError, notFound } from '../../fhir/outcome.ts';
import { parseReference } from '../../fhir/references.ts';
import type { OperationCall } from '../../operations/operation.ts';
import type { Session } from '../../repository/session.ts';
import { matchTokens } from '../../search/match-tokens.ts';
import { systemText } from '../../search/token-text.ts';

export interface MergePair {
  readonly sourceId: string;
  readonly targetId: string;
}

/** Throws 400 for what names no one Patient, 404 for one that is not there, and 422 for one and the same. */
export async function readPair(session: Session, call: OperationCall): Promise<MergePair> {
  const [sourceId, targetId] = await Promise.all([
    patientId(session, call, 'source-patient'),
    patientId(session, call, 'target-patient'),
  ]);
  if (sourceId !== targetId) return { sourceId, targetId };
  throw fhirError('business-rule', 'A Patient cannot be merged into itself.', {
    expression: placeOf('target-patient'),
  });
}

async function patientId(session: Session, call: OperationCall, name: string): Promise<string> {
  const reference = call.inputs.get(name)?.[0]?.value as Reference | undefined;
  const identifiers = call.inputs.get(`${name}-identifier`)?.map(({ value }) => value as Identifier) ?? [];
  if (!reference && identifiers.length === 0) {
    throw fhirError('required', `$merge needs ${name} or ${name}-identifier.`, {
      status: 400,
      expression: 'Parameters.parameter',
    });
  }
  const named = reference && idOf(reference, call, name);
  const found = identifiers.length > 0 ? await findByIdentifiers(session, identifiers, name) : named;
  if (named === undefined || named === found) return found as string;
  throw fhirError('business-rule', `The identifiers are not those of the ${name}.`, { expression: placeOf(name) });
}

function idOf({ reference = '' }: Reference, { baseUrl }: OperationCall, name: string): string {
  const target = parseReference(reference, baseUrl);
  if (target.kind === 'resource' && target.type === 'Patient') return target.id;
  throw fhirError('value', `The ${name} is a reference such as Patient/1.`, {
    status: 400,
    expression: placeOf(name),
  });
}

/** The one that has them all. */
async function findByIdentifiers(session: Session, identifiers: readonly Identifier[], name: string): Promise<string> {
  const expression = placeOf(`${name}-identifier`);
  const texts = identifiers.map(({ system = '', value }) => {
    if (value !== undefined) return systemText('Patient.identifier', system, value);
    throw fhirError('required', 'An identifier needs a value.', { status: 400, expression });
  });
  const lookup = { position: 0, type: 'Patient', texts, matchesMax: 2, needsBody: false };
  const found = await session.trx.query<{ id: string }>(matchTokens([lookup], session.cipher.tokenOf));
  const [only, ...more] = found;
  if (!only) throw fhirError('not-found', `No Patient has the identifiers of the ${name}.`, { expression });
  if (more.length === 0) return only.id;
  throw fhirError('multiple-matches', `Several Patients have the identifiers of the ${name}.`, { expression });
}

export function placeOf(name: string): string {
  return `Parameters.parameter.where(name = '${name}')`;
}

export function noPatient(id: string): Error {
  return notFound('Patient', id);
}
