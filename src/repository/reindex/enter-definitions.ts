// Definitions that were stored before there were tables for them enter these when a run comes by: https://hl7.org/fhir/R4/terminology-service.html

import type { CodeSystem, ConceptMap, Resource, SearchParameter, ValueSet } from '@medplum/fhirtypes';
import { FhirError } from '../../fhir/outcome.ts';
import { readDefinition } from '../../search/own/read-definition.ts';
import { requireDistinct } from '../../search/own/require-distinct.ts';
import { lockCurrentIndex, raiseVersion } from '../own-parameters/lock-index.ts';
import { keepParameter, readOwnParameters } from '../own-parameters/parameter-rows.ts';
import type { Session } from '../session.ts';
import { enterTables } from '../terminology-module.ts';
import { requestRun } from './request-run.ts';

/** What a write would refuse today stays as it is: found as a resource, and nothing more. */
export async function enterDefinition(session: Session, id: string, resource: Resource): Promise<void> {
  try {
    if (isTerminology(resource)) await enterTables(session.trx, id, resource);
    if (resource.resourceType === 'SearchParameter') await enterParameter(session, id, resource);
  } catch (error) {
    if (!(error instanceof FhirError) || error.status !== 422) throw error;
  }
}

function isTerminology(resource: Resource): resource is CodeSystem | ValueSet | ConceptMap {
  const { resourceType } = resource;
  return resourceType === 'CodeSystem' || resourceType === 'ValueSet' || resourceType === 'ConceptMap';
}

/** What it is searched by is indexed by a run of its own, which begins behind this one. */
async function enterParameter(session: Session, id: string, resource: SearchParameter): Promise<void> {
  const parameter = readDefinition(resource, session.repository.definitions);
  if (!parameter) return;
  const known = await session.trx.query({
    name: 'find-own-parameter',
    text: 'SELECT 1 FROM search_parameter WHERE id = $1',
    values: [id],
  });
  if (known.length > 0) return;
  const others = await readOwnParameters(session);
  requireDistinct(
    parameter,
    others.map((own) => own.parameter),
  );
  await lockCurrentIndex(session);
  const runId = await requestRun(session, { reason: 'parameters', types: parameter.base });
  keepParameter(session, { id, parameter }, runId);
  raiseVersion(session.trx);
}
