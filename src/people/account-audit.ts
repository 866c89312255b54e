// Sign-ins, refused ones too, sign-outs and changes of what an account proves itself with, as AuditEvents: https://hl7.org/fhir/R4/auditevent.html

import { agentsOf, auditAgents } from '../access/audit-agents.ts';
import { type AuditParts, auditEvent, dicom, securityAlert } from '../access/audit-parts.ts';
import { callerFacts } from '../access/caller-facts.ts';
import { newId, timeOfId } from '../fhir/ids.ts';
import type { OutboxEvent } from '../jobs/outbox.ts';
import { recordEvent } from '../repository/audit-rows.ts';
import type { Module } from '../repository/module.ts';
import type { Session } from '../repository/session.ts';
import { type AccountAct, accountActTopic, actOf, addressOfAct } from './account-acts.ts';
import { findAccount } from './accounts.ts';

export const accountAuditModule: Module = {
  name: 'account-audit',
  jobs: [{ topic: accountActTopic, consumer: 'account-audit', run: recordAccountAct }],
};

const authentication = { system: dicom, code: '110114', display: 'User Authentication' };
const login = { system: dicom, code: '110122', display: 'Login' };
const logout = { system: dicom, code: '110123', display: 'Logout' };
const attributes = { system: dicom, code: '110137', display: 'User Security Attributes Changed' };

type Kind = Pick<AuditParts, 'kind' | 'type' | 'subtype' | 'outcomeDesc'>;

const signIn: Kind = { kind: 'login', type: authentication, subtype: [login] };
const changed: Kind = { kind: 'security-alert', type: securityAlert, subtype: [attributes] };

/** https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_A.5.3.html */
const kinds: Readonly<Record<AccountAct, Kind>> = {
  'sign-in': signIn,
  'sign-in-refused': { ...signIn, outcomeDesc: 'Refused' },
  'sign-out': { ...signIn, subtype: [logout] },
  'password-changed': { ...changed, outcomeDesc: 'Password changed' },
  'second-factor-on': { ...changed, outcomeDesc: 'Second factor turned on' },
  'second-factor-off': { ...changed, outcomeDesc: 'Second factor turned off' },
  'recovery-codes-renewed': { ...changed, outcomeDesc: 'Recovery codes renewed' },
  'identity-linked': { ...changed, outcomeDesc: 'Sign-in at an identity provider linked' },
  'access-passed-on': { ...changed, outcomeDesc: 'Access of an app exchanged by another app' },
  'identity-unlinked': { ...changed, outcomeDesc: 'Sign-in at an identity provider unlinked' },
};

async function recordAccountAct({ id, eventKey, resourceId }: OutboxEvent, session: Session): Promise<void> {
  const act = actOf(eventKey);
  if (act === undefined) throw new Error('This release knows nothing of the act; a newer one does.');
  const { trx, cipher, caller, at, repository } = session;
  const account = await findAccount(trx, cipher, resourceId);
  const reference = account && (account.practitioner ?? `Person/${account.id}`);
  const agent = reference === undefined ? { display: 'Unknown' } : { reference, display: account?.name ?? '' };
  const { site } = repository;
  const doneAt = timeOfId(id);
  recordEvent(
    session,
    auditEvent({
      ...kinds[act],
      ...{ id: newId(at.getTime()), recorded: at.toISOString(), action: 'E', site },
      outcome: act === 'sign-in-refused' ? '4' : '0',
      doneAt: doneAt === undefined ? undefined : new Date(doneAt).toISOString(),
      agent: auditAgents(callerFacts({ ...caller, agent }), agentsOf.query, {
        address: addressOfAct(cipher, eventKey),
        site,
      }),
    }),
  );
}
