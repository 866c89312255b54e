// Calls an operation: https://hl7.org/fhir/R4/operations.html#executing

import type { Binary, Resource } from '@medplum/fhirtypes';
import { isClosed, requireOpen, requirePermission } from '../../access/may.ts';
import { serializeJson } from '../../fhir/json.ts';
import { FhirError, fhirError } from '../../fhir/outcome.ts';
import type { Operation, OperationInputs } from '../../operations/operation.ts';
import { queryParameters } from '../../operations/query-parameters.ts';
import { readInputs } from '../../operations/read-inputs.ts';
import type { Content } from '../../repository/change.ts';
import type { Session } from '../../repository/session.ts';
import type { Interaction, InteractionRequest, InteractionResponse } from '../interaction.ts';
import { ifMatchVersionId } from '../preconditions.ts';
import { harmless } from './binary-answer.ts';
import { binaryForm } from './binary-form.ts';

export function operationInteraction(operation: Operation): Interaction {
  return async (session, request) => {
    const { type, id, versionId, baseUrl } = request;
    if (type !== '') requireOffered(session, operation, type);
    const inputs = inputsOf(session, operation, request);
    const { resource, exactNumbers } = await operation.run(session, {
      ...{ type, id, versionId, baseUrl, inputs },
      ...ifMatchVersionId(request),
    });
    if (resource.resourceType === 'Binary') return answerContent(request, resource);
    return { status: 200, headers: {}, body: serializeJson(resource, exactNumbers) };
  };
}

/** Its content as it is, where that is what Accept asks for: https://hl7.org/fhir/R4/operations.html#response */
function answerContent(request: InteractionRequest, binary: Binary): InteractionResponse {
  const { contentType, data = '' } = binary;
  if (binaryForm(request, contentType) === 'fhir') return { status: 200, headers: {}, body: JSON.stringify(binary) };
  const body = Buffer.from(data, 'base64');
  const headers = { 'Content-Type': contentType, 'Content-Length': String(body.length), ...harmless };
  return { status: 200, headers, body };
}

/** Asked by the capability statement too. */
export function isOffered({ resourceTypes, permission }: Operation, type: string): boolean {
  return (resourceTypes?.includes(type) ?? true) && !isClosed(type, permission);
}

/** Before any statement runs, so that a refusal tells nothing of what there is. */
function requireOffered({ caller }: Session, operation: Operation, type: string): void {
  const { code, resourceTypes, permission, right } = operation;
  if (resourceTypes && !resourceTypes.includes(type)) {
    throw fhirError('not-supported', `$${code} is not offered for ${type}; it is for ${resourceTypes.join(', ')}.`, {
      status: 404,
    });
  }
  requireOpen(caller, permission, type);
  if (right === undefined || !caller.operations?.has(right)) requirePermission(caller, permission, type);
}

/** For the HTTP layer, which has answered them already: https://hl7.org/fhir/R4/http.html#parameters */
const answeredElsewhere: ReadonlySet<string> = new Set(['_format', '_pretty', '_summary', '_elements']);

function inputsOf({ repository }: Session, operation: Operation, request: InteractionRequest): OperationInputs {
  const { queryInput } = operation;
  if (queryInput !== undefined && request.method === 'GET') {
    return new Map([[queryInput, [{ value: request.query.toString() }]]]);
  }
  const pairs = [...request.query].filter(([name]) => !answeredElsewhere.has(name));
  if (request.method === 'GET') {
    return checkedInputs(repository, operation, queryParameters(operation, pairs));
  }
  const { value, exactNumbers } = request.body ?? { value: undefined };
  const content = { resource: value as Resource, ...(exactNumbers && { exactNumbers }) };
  if (operation.readBody) return operation.readBody(content, pairs);
  if (pairs.length > 0) {
    throw fhirError('invalid', `Send the parameters of $${operation.code} in the body, not in the URL.`);
  }
  return checkedInputs(repository, operation, request.body ? content : { resource: { resourceType: 'Parameters' } });
}

function checkedInputs(repository: Session['repository'], operation: Operation, content: Content): OperationInputs {
  const { resource, ...texts } = content;
  const issues = repository.validate(resource, texts).filter(({ severity }) => severity === 'error');
  // 400 even for a missing element: a call that is wrong is not a resource that is.
  if (issues.length > 0) throw new FhirError(issues, { status: 400 });
  return readInputs(operation, content);
}
