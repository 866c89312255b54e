// Whose record is opened: staff choose among the patients they may read (https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#requesting-context-with-scopes).

import { callerOfPerson, findPerson } from '../person.ts';
import { finish, refuse, type Step, sendStep, type Visit } from './interaction.ts';
import { sendError } from './page.ts';

const queryLengthMax = 100;

export const choosePatientStep: Step = {
  async show(visit) {
    showPicker(visit, '', { patients: [], hasMore: false });
  },
  async act(visit, form) {
    const { context, ctx, interaction, client } = visit;
    if (form.get('do') === 'cancel') return await refuse(visit);
    const person = await findPerson(context, interaction.session?.accountId ?? '');
    if (!person) return sendError(context, ctx, 403, 'You are not signed in any more.');
    const caller = callerOfPerson(context.tenantId, person, client.clientId);
    if (form.get('do') === 'choose') {
      const patient = await context.patients.find(caller, form.get('patient') ?? '');
      if (!patient) return sendError(context, ctx, 403, 'You may not open this record.');
      return await finish(visit, { launch: { patient: patient.id } });
    }
    const query = (form.get('query') ?? '').trim().slice(0, queryLengthMax);
    const found = query === '' ? { patients: [], hasMore: false } : await context.patients.search(caller, query);
    showPicker(visit, query, found);
  },
};

type Found = Awaited<ReturnType<Visit['context']['patients']['search']>>;

function showPicker(visit: Visit, query: string, { patients, hasMore }: Found): void {
  const { action, csrf, client } = visit;
  sendStep(visit, {
    ...{ kind: 'picker', action, csrf, query, patients, hasMore },
    ...(client.clientName === undefined ? {} : { clientName: client.clientName }),
  });
}
