// The AuditEvent of a create, update or delete, in the shapes of IHE BALP: https://profiles.ihe.net/ITI/BALP/content.html, contract.md 46

import type { AuditEventEntityDetail } from '@medplum/fhirtypes';
import { agentsOf, agentsOfCaller } from './audit-agents.ts';
import {
  auditEvent,
  dataEntity,
  patientEntity,
  requestEntity,
  restfulOperation,
  restSubtype,
  type StoredAudit,
} from './audit-parts.ts';
import type { Caller } from './caller.ts';

export interface ChangeAudit {
  readonly id: string;
  readonly recorded: Date;
  readonly action: 'create' | 'update' | 'delete';
  readonly caller: Caller;
  /** Versioned reference, `Type/id/_history/n`. */
  readonly version: string;
  /** `Patient/id` of each patient the resource is or was about. */
  readonly patients: readonly string[];
  /** Of an update: the JSON Patch from the version before, or that it is too long to be kept. */
  readonly patch?: string | 'too-long';
  /** URL of this server. */
  readonly site?: string | undefined;
}

const letters = { create: 'C', update: 'U', delete: 'D' } as const;
const agentTypes = { create: agentsOf.write, update: agentsOf.write, delete: agentsOf.delete };

/** The name of the detail that holds the patch. */
export const patchDetail = 'json-patch';

export function buildChangeAudit(audit: ChangeAudit): StoredAudit {
  const { id, recorded, action, caller, version, patients, patch, site } = audit;
  const { request } = caller;
  return auditEvent({
    kind: patients.length === 0 ? action : `patient-${action}`,
    id,
    recorded: recorded.toISOString(),
    type: restfulOperation,
    subtype: restSubtype(action),
    action: letters[action],
    outcome: '0',
    agent: agentsOfCaller(caller, agentTypes[action], site),
    site,
    entity: [
      dataEntity(version, patch === undefined ? undefined : [detailOf(patch)]),
      ...patients.map(patientEntity),
      ...(request ? [requestEntity(request.id)] : []),
    ],
  });
}

function detailOf(patch: string): AuditEventEntityDetail {
  if (patch !== 'too-long') return { type: patchDetail, valueBase64Binary: Buffer.from(patch).toString('base64') };
  return { type: patchDetail, valueString: 'Too long to be kept here: compare the versions in the history.' };
}
