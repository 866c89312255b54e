// Marks what names more than one patient: a record of one patient's compartment that tells of another patient as well must not
// be shown to the first one's app (security.md 28).

import type { Definitions } from '../fhir/definitions.ts';
import { compartmentParameters } from './compartment.ts';
import type { IndexEntry } from './index-entry.ts';
import { indexedParameters } from './search-parameters.ts';
import type { Criterion } from './search-query.ts';
import { linkParameter } from './shared-keys.ts';
import { valueText } from './token-text.ts';

/** Whose these are, R4 says by a parameter and not by its compartment. */
const beyondCompartment: Readonly<Record<string, readonly string[]>> = {
  Contract: ['subject'],
  Device: ['patient'],
  GuidanceResponse: ['subject'],
  Task: ['subject'],
};

/** The parameters by which a resource of this type belongs to a patient; undefined for a type that never does. */
export function patientParameters(definitions: Definitions, type: string): readonly string[] | undefined {
  return compartmentParameters(definitions, 'Patient', type) ?? beyondCompartment[type];
}

/**
 * The token of a resource that by these parameters points to several patients. One that is named by a whole URL is another
 * one, also where that is a URL of this server.
 */
export function severalPatientsText(
  definitions: Definitions,
  type: string,
  entries: readonly IndexEntry[],
): string | undefined {
  let first: string | undefined;
  for (const entry of entries) {
    const named = patientNamed(entry, type);
    if (named === undefined || named.id === first) continue;
    if (!storingParameters(definitions, type).has(named.parameter)) continue;
    if (first !== undefined) return valueText(keyOf(type), several);
    first = named.id;
  }
  return undefined;
}

const known = new WeakMap<Definitions, Map<string, ReadonlySet<string>>>();

/** A link that several parameters name is stored under one of them: shared-keys.ts. */
function storingParameters(definitions: Definitions, type: string): ReadonlySet<string> {
  const ofDefinitions = known.get(definitions) ?? new Map<string, ReadonlySet<string>>();
  known.set(definitions, ofDefinitions);
  const found = ofDefinitions.get(type);
  if (found) return found;
  const codes = patientParameters(definitions, type) ?? [];
  const parameters = codes.length === 0 ? undefined : indexedParameters(definitions, type);
  const stored = codes.map((code) => linkParameter(parameters?.get(code) ?? { code }, 'Patient'));
  const storing = new Set([...codes, ...stored]);
  ofDefinitions.set(type, storing);
  return storing;
}

/** Text of a reference parameter's token. */
const absolute =
  /^[A-Za-z]+\.(?<parameter>[^|]+)\|(?<id>[A-Za-z][\w+.-]*:[^|]*\/Patient\/[^/|]+)(?:\/_history\/[^/|]+)?$/;

function patientNamed(entry: IndexEntry, type: string): { parameter: string; id: string } | undefined {
  if (type === 'AuditEvent') return patientAudited(entry);
  if (entry.kind === 'reference') {
    return entry.targetType === 'Patient' ? { parameter: entry.parameter, id: entry.targetId } : undefined;
  }
  // Most tokens are none, and this is asked of every one that is written.
  if (entry.kind !== 'token' || !entry.text.includes('/Patient/') || !entry.text.startsWith(`${type}.`))
    return undefined;
  const { parameter, id } = absolute.exec(entry.text)?.groups ?? {};
  return parameter === undefined || id === undefined ? undefined : { parameter, id };
}

const auditedPatient = 'AuditEvent.entity|Patient/';

/** AuditEvents have tokens only. Who did it may be a patient as well, and is not whom it is about. */
function patientAudited(entry: IndexEntry): { parameter: string; id: string } | undefined {
  if (entry.kind !== 'token' || !entry.text.startsWith(auditedPatient)) return undefined;
  const [id = ''] = entry.text.slice(auditedPatient.length).split('/');
  return { parameter: 'patient', id };
}

/** Met by what names one patient at most. */
export function namesOnePatient(type: string): Criterion {
  return { kind: 'not', criteria: [{ kind: 'value', key: keyOf(type), texts: [several] }] };
}

const several = 'several';

function keyOf(type: string): string {
  return `${type}:patients`;
}
