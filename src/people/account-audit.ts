// Sign-ins, sign-outs and changes of what an account proves itself with, as AuditEvents: https://hl7.org/fhir/R4/auditevent.html

import { agentsOf, auditAgents } from '../access/audit-agents.ts';
import { type AuditParts, auditEvent } from '../access/audit-parts.ts';
import { callerFacts } from '../access/caller-facts.ts';
import { accessChanged, type LoginKind, signIn, signOut } from '../access/login-audit.ts';
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

type Kind = LoginKind & Pick<AuditParts, 'outcomeDesc'>;

/** https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_A.5.3.html */
const kinds: Readonly<Record<AccountAct, Kind>> = {
  'sign-in': signIn,
  'sign-in-refused': { ...signIn, outcomeDesc: 'Refused' },
  'sign-out': signOut,
  'password-changed': { ...accessChanged, outcomeDesc: 'Password changed' },
  'second-factor-on': { ...accessChanged, outcomeDesc: 'Second factor turned on' },
  'second-factor-off': { ...accessChanged, outcomeDesc: 'Second factor turned off' },
  'recovery-codes-renewed': { ...accessChanged, outcomeDesc: 'Recovery codes renewed' },
  'identity-linked': { ...accessChanged, outcomeDesc: 'Sign-in at an identity provider linked' },
  'access-passed-on': { ...accessChanged, outcomeDesc: 'Access of an app exchanged by another app' },
  'identity-unlinked': { ...accessChanged, outcomeDesc: 'Sign-in at an identity provider unlinked' },
};

async function recordAccountAct({ id, eventKey, resourceId }: OutboxEvent, session: Session): Promise<void> {
  const act = actOf(eventKey);
  if (act === undefined) throw new Error('This release knows nothing of the act; a newer one does.');
  const { trx, cipher, caller, at, repository } = session;
  const account = await findAccount(trx, cipher, resourceId);
  const { name: display = 'Unknown', practitioner: reference } = account ?? {};
  const agents = auditAgents(
    callerFacts({ ...caller, agent: { display, ...(reference !== undefined && { reference }) } }),
    agentsOf.query,
    { address: addressOfAct(cipher, eventKey), site: repository.site },
  );
  const doneAt = timeOfId(id);
  recordEvent(
    session,
    auditEvent({
      ...kinds[act],
      ...{ id: newId(at.getTime()), recorded: at.toISOString(), action: 'E', site: repository.site },
      outcome: act === 'sign-in-refused' ? '4' : '0',
      doneAt: doneAt === undefined ? undefined : new Date(doneAt).toISOString(),
      // An account is no resource that can be referred to, and the person's own may not be known.
      agent: account ? agents.map((one) => (one.requestor ? { ...one, altId: account.id } : one)) : agents,
    }),
  );
}
