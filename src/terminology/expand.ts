// The expansion of a value set, or a page of it: https://hl7.org/fhir/R4/valueset-operation-expand.html

import { randomUUID } from 'node:crypto';
import type { ValueSet, ValueSetExpansion, ValueSetExpansionContains } from '@medplum/fhirtypes';
import { fhirError } from '../fhir/outcome.ts';
import { membersOfValueSet, missing, type SystemVersions } from './compose.ts';
import { describePage, type Shown } from './describe-page.ts';
import type { Queries } from './find-system.ts';
import type { Members } from './members.ts';
import { withoutAbstract, withoutInactive, withWords } from './narrow.ts';
import { nest } from './nest.ts';
import { countOfPart, pageOf } from './page.ts';

export interface ExpansionRequest extends Shown {
  readonly filter?: string | undefined;
  readonly offset?: number | undefined;
  readonly count?: number | undefined;
  readonly activeOnly?: boolean | undefined;
  readonly includeDefinition?: boolean | undefined;
  readonly excludeNested?: boolean | undefined;
  /** Leaves out what only groups others. */
  readonly excludeNotForUi?: boolean | undefined;
  /** Urls of code systems that are left out. */
  readonly excludedSystems?: readonly string[];
  readonly versions?: SystemVersions;
  /** Said again in the expansion. */
  readonly parameters?: ValueSetExpansion['parameter'];
}

/** Codes of one expansion or page. */
export const expansionMax = 10_000;

export async function expand(trx: Queries, valueSet: ValueSet, request: ExpansionRequest): Promise<ValueSet> {
  const members = await narrowed(trx, await membersOfValueSet(trx, valueSet, request.versions), request);
  const parts = [...members.values()];
  const total = parts.reduce((sum, part) => sum + countOfPart(part), 0);
  const { offset = 0, count } = request;
  const isPaged = count !== undefined || offset > 0;
  if (count === undefined && total - offset > expansionMax) {
    throw fhirError(
      'too-costly',
      `This value set has ${total} codes and an expansion at most ${expansionMax}: ask for pages (offset, count) or filter.`,
    );
  }
  const page = pageOf(parts, offset, Math.min(count ?? expansionMax, expansionMax));
  const rows = await describePage(trx, page, request);
  // A hierarchy has no pages: https://hl7.org/fhir/R4/valueset-operation-expand.html, count
  const isNested = request.excludeNested === false && !isPaged;
  const contains = isNested ? nest(rows) : rows.map(({ contains: one }) => one);
  return answer(valueSet, request, {
    identifier: `urn:uuid:${randomUUID()}`,
    timestamp: new Date().toISOString(),
    total,
    ...(isPaged && { offset }),
    ...parametersOf(request, members),
    ...(contains.length > 0 && { contains: contains as ValueSetExpansionContains[] }),
  });
}

async function narrowed(trx: Queries, all: Members, request: ExpansionRequest): Promise<Members> {
  const { excludedSystems = [], activeOnly, filter, excludeNotForUi } = request;
  let members: Members = new Map([...all].filter(([, part]) => !excludedSystems.includes((part.system ?? part).url)));
  for (const part of members.values()) if (!part.system && part.isWhole) throw missing(part.url, part.version);
  if (activeOnly) members = await withoutInactive(trx, members);
  if (excludeNotForUi) members = await withoutAbstract(trx, members);
  return filter === undefined ? members : await withWords(trx, members, filter);
}

function parametersOf(
  { parameters = [] }: ExpansionRequest,
  members: Members,
): { readonly parameter?: NonNullable<ValueSetExpansion['parameter']> } {
  const versions = [...members.values()].flatMap((part) => {
    const { url, version } = part.system ?? part;
    return version === '' ? [] : [{ name: 'version', valueUri: `${url}|${version}` }];
  });
  const fragments = [...members.values()].flatMap(({ system }) =>
    system?.content === 'fragment' ? [{ name: 'fragment', valueUri: system.url }] : [],
  );
  const parameter = [...parameters, ...versions, ...fragments];
  return parameter.length > 0 ? { parameter } : {};
}

function answer(valueSet: ValueSet, { includeDefinition }: ExpansionRequest, expansion: ValueSetExpansion): ValueSet {
  const { url, version, name, title, compose } = valueSet;
  return {
    resourceType: 'ValueSet',
    ...(url !== undefined && { url }),
    ...(version !== undefined && { version }),
    ...(name !== undefined && { name }),
    ...(title !== undefined && { title }),
    status: valueSet.status ?? 'unknown',
    ...(includeDefinition && compose && { compose }),
    expansion,
  };
}
