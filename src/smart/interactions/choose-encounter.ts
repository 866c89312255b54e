// Which visit it is about: the person chooses among those of the open record that it may read, or none
// (https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#requesting-context-with-scopes).

import { callerOfPerson } from '../person.ts';
import { authorizationFor, notSignedIn } from './authorization-for.ts';
import { finish, refuse, type Step, sendStep, type Visit } from './interaction.ts';
import { sendError } from './page.ts';

export const chooseEncounterStep: Step = {
  async show(visit) {
    const opened = await openRecord(visit);
    if (!opened) return notSignedIn(visit);
    const { context, action, csrf, client } = visit;
    const [{ encounters, hasMore }, patient] = await Promise.all([
      context.patients.encounters(opened.caller, opened.patient),
      context.patients.find(opened.caller, opened.patient),
    ]);
    sendStep(visit, {
      ...{ kind: 'encounter-picker', action, csrf, encounters, hasMore },
      ...(patient && { patient: patient.name }),
      ...(client.clientName === undefined ? {} : { clientName: client.clientName }),
    });
  },
  async act(visit, form) {
    const { context, ctx, interaction } = visit;
    if (form.get('do') === 'cancel') return await refuse(visit);
    const opened = await openRecord(visit);
    if (!opened) return notSignedIn(visit);
    const chosen = form.get('do') === 'none' ? null : (form.get('encounter') ?? '');
    // Only of the patient chosen before: an app must not be opened with one patient and another one's visit (security.md 56).
    if (chosen !== null && !(await context.patients.hasEncounter(opened.caller, opened.patient, chosen))) {
      return sendError(context, ctx, 403, 'You may not open this visit.');
    }
    await finish(visit, { launch: { ...interaction.lastSubmission?.launch, encounter: chosen } });
  },
};

async function openRecord(visit: Visit) {
  const { context, client } = visit;
  const authorization = await authorizationFor(visit);
  const patient = authorization?.launch.patient;
  if (!authorization || patient === undefined) return undefined;
  return { patient, caller: callerOfPerson(context.tenantId, authorization.person, client.clientId) };
}
