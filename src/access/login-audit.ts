// The AuditEvent of how a client came by access, gave it back or was refused it: https://profiles.ihe.net/ITI/BALP/content.html,
// https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_A.5.3.html

import type { Coding } from '@medplum/fhirtypes';
import { lasting } from '../fhir/lasting.ts';
import type { AccessFacts, LoginFacts } from './access-facts.ts';
import { agentsOf, auditAgents } from './audit-agents.ts';
import { type AuditParts, auditEvent, dicom, requestEntity, type StoredAudit, securityAlert } from './audit-parts.ts';

export function loginAudit(facts: AccessFacts, { act, grantType }: LoginFacts, site: string | undefined): StoredAudit {
  const { id, recordedMs, outcome, issue, status, address, caller, requestId } = facts;
  const detail = [{ type: 'status', valueString: String(status) }];
  if (grantType !== undefined) detail.push({ type: 'grant_type', valueString: grantType });
  const refused = outcome === '0' ? {} : { outcomeDesc: issue ?? 'exception' };
  return auditEvent({
    ...{ id, recorded: new Date(recordedMs).toISOString(), action: 'E', outcome, ...refused, ...kinds[act] },
    agent: auditAgents(caller, agentsOf.query, { address, site }),
    site,
    entity: requestId === undefined ? [] : [requestEntity(requestId, detail)],
  });
}

export type LoginKind = Pick<AuditParts, 'kind' | 'type' | 'subtype'>;

/** Lists that are the same in all events, so that their tokens are worked out once. */
const subtypeOf = (code: string, display: string): Coding[] => lasting([{ system: dicom, code, display }]);
const authentication: Coding = lasting({ system: dicom, code: '110114', display: 'User Authentication' });

export const signIn: LoginKind = { kind: 'login', type: authentication, subtype: subtypeOf('110122', 'Login') };
export const signOut: LoginKind = { ...signIn, subtype: subtypeOf('110123', 'Logout') };
export const accessChanged: LoginKind = {
  ...{ kind: 'security-alert', type: securityAlert },
  subtype: subtypeOf('110137', 'User Security Attributes Changed'),
};

const kinds: Readonly<Record<LoginFacts['act'], LoginKind & Partial<AuditParts>>> = {
  login: signIn,
  logout: signOut,
  reuse: {
    ...{ ...accessChanged, outcome: '8' },
    outcomeDesc: 'What counts once came again: all that was issued with it has ended',
  },
};
