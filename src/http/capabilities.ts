// GET [base]/metadata: what this server can do, from the same tables that do it: https://hl7.org/fhir/R4/capabilitystatement.html

import { createHash } from 'node:crypto';
import type { CapabilityStatement, CapabilityStatementRest } from '@medplum/fhirtypes';
import type { Definitions } from '../fhir/definitions.ts';
import { fhirError } from '../fhir/outcome.ts';
import { commonParameters } from '../search/system-query.ts';
import { describeOperations } from './capabilities/describe-operations.ts';
import { describeSecurity } from './capabilities/describe-security.ts';
import { describeParameters, describeType } from './capabilities/describe-type.ts';
import { describeUse } from './capabilities/describe-use.ts';
import type { CapabilityFacts, DeclaringRoute } from './capabilities/facts.ts';
import { software } from './capabilities/software.ts';
import type { InteractionRequest, InteractionResponse, SystemOptions } from './interaction.ts';

/** Without the request's own words it is answered in full; without a tenant's definitions by those of R4. */
export type Capabilities = (
  options: SystemOptions,
  baseUrl: string,
  request?: Pick<InteractionRequest, 'query' | 'header'>,
  tenantDefinitions?: Definitions,
) => InteractionResponse;

/** Texts of half a megabyte. */
const describedMax = 20;

/** The resource list is written once for all tenants but those with search parameters of their own. */
export function createCapabilities(
  definitions: Definitions,
  routes: readonly DeclaringRoute[],
  facts: CapabilityFacts,
): Capabilities {
  const date = new Date().toISOString();
  const described = new Map<Definitions, Shared>();
  /** At the first request, for it compiles the search parameters of all types. */
  function sharedOf(asked: Definitions): Shared {
    const known = described.get(asked);
    if (known) return known;
    const shared = describeShared(asked, routes, facts);
    if (described.size >= describedMax) described.clear();
    described.set(asked, shared);
    return shared;
  }
  return (_options, baseUrl, request, tenantDefinitions = definitions) => {
    requireFull(request?.query);
    const shared = sharedOf(tenantDefinitions);
    const statement = describeTenant(baseUrl, date, facts);
    const headers = { ETag: etagOf(statement, shared) };
    if (isKnown(request?.header('If-None-Match'), headers.ETag)) return { status: 304, headers, body: undefined };
    const security = JSON.stringify(describeSecurity(baseUrl));
    const body = `${JSON.stringify(statement).slice(0, -1)},"rest":[{"security":${security},${shared.text}}]}`;
    return { status: 200, headers, body };
  };
}

/** RFC 9110 section 13.1.2 */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  return ifNoneMatch?.split(',').some((tag) => tag.trim() === etag || tag.trim() === '*') ?? false;
}

/** Of what the statement says, so that processes that started at other times agree. */
function etagOf(statement: CapabilityStatement, { hash }: Shared): string {
  return `W/"${hashOf(JSON.stringify({ ...statement, date: hash }))}"`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** https://hl7.org/fhir/R4/http.html#capabilities: a server may know this one mode only. */
function requireFull(query: URLSearchParams | undefined): void {
  const mode = query?.get('mode') ?? 'full';
  if (mode === 'full') return;
  throw fhirError('not-supported', 'The mode of the capability statement is full; leave it out.', { status: 400 });
}

function describeTenant(baseUrl: string, date: string, facts: CapabilityFacts): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date,
    kind: 'instance',
    software,
    implementation: { description: 'HPMS FHIR server', url: baseUrl },
    fhirVersion: '4.0.1',
    format: [...facts.formats],
    patchFormat: [...facts.patchFormats],
  };
}

interface Shared {
  /** The members of `rest` but security as JSON text, without the braces. */
  readonly text: string;
  readonly hash: string;
}

function describeShared(definitions: Definitions, routes: readonly DeclaringRoute[], facts: CapabilityFacts): Shared {
  const types = [...definitions.resourceTypes].sort();
  const resource = types.map((type) => describeType({ definitions, routes, operations: facts.operations }, type));
  const operation = describeOperations(facts.operations, ({ levels }) => levels.includes('system'));
  const codes = [...facts.systemInteractions, ...routes.map(({ code }) => code)].filter(isSystemCode);
  const compartment = routes.some(isCompartment) ? compartmentUrls(definitions) : [];
  const rest: CapabilityStatementRest = {
    mode: 'server',
    documentation: describeUse(facts.limits),
    resource,
    interaction: [...new Set(codes)].map((code) => ({ code })),
    ...(codes.includes('search-system') && {
      searchParam: describeParameters(definitions, 'Basic', commonParameters(definitions)),
    }),
    ...(operation.length > 0 && { operation }),
    ...(compartment.length > 0 && { compartment }),
  };
  const text = JSON.stringify(rest).slice(1, -1);
  return { text, hash: hashOf(text) };
}

const systemCodes = ['transaction', 'batch', 'search-system', 'history-system'] as const;

function isSystemCode(code: string): code is (typeof systemCodes)[number] {
  return (systemCodes as readonly string[]).includes(code);
}

/** A search below an instance: https://hl7.org/fhir/R4/http.html#vsearch */
function isCompartment({ code, path }: DeclaringRoute): boolean {
  return code.startsWith('search') && path.startsWith('/:type/:id/');
}

/** https://hl7.org/fhir/R4/compartmentdefinition.html#compartments */
function compartmentUrls(definitions: Definitions): string[] {
  return ['Device', 'Encounter', 'Patient', 'Practitioner', 'RelatedPerson']
    .filter((code) => definitions.compartment(code) !== undefined)
    .map((code) => `http://hl7.org/fhir/CompartmentDefinition/${code.charAt(0).toLowerCase()}${code.slice(1)}`);
}
