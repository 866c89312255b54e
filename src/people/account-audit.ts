// Sign-ins, refused ones too, sign-outs and changes of what an account proves itself with, as AuditEvents: https://hl7.org/fhir/R4/auditevent.html

import type { AuditEvent } from '@medplum/fhirtypes';
import { headOf } from '../access/audit.ts';
import type { Caller } from '../access/caller.ts';
import { newId, timeOfId } from '../fhir/ids.ts';
import type { OutboxEvent } from '../jobs/outbox.ts';
import { recordEvent } from '../repository/audit-rows.ts';
import type { Module } from '../repository/module.ts';
import type { Session } from '../repository/session.ts';
import { type AccountAct, accountActTopic, actOf } from './account-acts.ts';
import { findAccount } from './accounts.ts';

export const accountAuditModule: Module = {
  name: 'account-audit',
  jobs: [{ topic: accountActTopic, consumer: 'account-audit', run: recordAccountAct }],
};

const dicom = 'http://dicom.nema.org/resources/ontology/DCM';
const authentication = { system: dicom, code: '110114', display: 'User Authentication' };
const alert = { system: dicom, code: '110113', display: 'Security Alert' };
const login = { system: dicom, code: '110122', display: 'Login' };
const logout = { system: dicom, code: '110123', display: 'Logout' };
const attributes = { system: dicom, code: '110137', display: 'User Security Attributes Changed' };

/** https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_A.5.3.html */
const kinds: Readonly<Record<AccountAct, Pick<AuditEvent, 'type' | 'subtype' | 'outcomeDesc'>>> = {
  'sign-in': { type: authentication, subtype: [login] },
  'sign-in-refused': { type: authentication, subtype: [login], outcomeDesc: 'Refused' },
  'sign-out': { type: authentication, subtype: [logout] },
  'password-changed': { type: alert, subtype: [attributes], outcomeDesc: 'Password changed' },
  'second-factor-on': { type: alert, subtype: [attributes], outcomeDesc: 'Second factor turned on' },
  'second-factor-off': { type: alert, subtype: [attributes], outcomeDesc: 'Second factor turned off' },
  'recovery-codes-renewed': { type: alert, subtype: [attributes], outcomeDesc: 'Recovery codes renewed' },
  'identity-linked': { type: alert, subtype: [attributes], outcomeDesc: 'Sign-in at an identity provider linked' },
  'access-passed-on': { type: alert, subtype: [attributes], outcomeDesc: 'Access of an app exchanged by another app' },
  'identity-unlinked': { type: alert, subtype: [attributes], outcomeDesc: 'Sign-in at an identity provider unlinked' },
};

async function recordAccountAct({ id, eventKey, resourceId }: OutboxEvent, session: Session): Promise<void> {
  const act = actOf(eventKey);
  if (act === undefined) throw new Error('This release knows nothing of the act; a newer one does.');
  const account = await findAccount(session.trx, session.cipher, resourceId);
  const reference = account && (account.practitioner ?? `Person/${account.id}`);
  const agent = reference === undefined ? { display: 'Unknown' } : { reference, display: account?.name ?? '' };
  const caller: Caller = { ...session.caller, agent };
  const doneAt = timeOfId(id);
  recordEvent(session, {
    ...headOf({ id: newId(session.at.getTime()), recorded: session.at, caller }),
    ...kinds[act],
    action: 'E',
    outcome: act === 'sign-in-refused' ? '4' : '0',
    ...(doneAt === undefined ? {} : { period: { start: new Date(doneAt).toISOString() } }),
  });
}
