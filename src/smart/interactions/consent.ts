// May the app have it: every scope in words, each to be taken away, some to be narrowed down (security.md 59 and 60).

import type { Authorization } from '../authorization.ts';
import { saveConsent } from '../consents.ts';
import { callerOfPerson } from '../person.ts';
import { authorizationFor, notSignedIn } from './authorization-for.ts';
import { finish, refuse, type Step, sendStep, type Visit } from './interaction.ts';
import { sendError } from './page.ts';
import { describeScope, isRequired, narrowerScopes } from './scope-words.ts';

export const consentStep: Step = {
  async show(visit) {
    const authorization = await authorizationFor(visit);
    if (!authorization) return notSignedIn(visit);
    const { action, csrf, client } = visit;
    const patient = await patientName(visit, authorization);
    sendStep(visit, {
      ...{ kind: 'consent', action, csrf, clientName: client.clientName ?? client.clientId },
      ...(client.clientUri === undefined ? {} : { clientUri: client.clientUri }),
      ...(patient === undefined ? {} : { patient }),
      scopes: offered(authorization).map((scope) => ({
        scope,
        ...describeScope(scope),
        isRequired: isRequired(scope),
      })),
      isOffline: authorization.scopes.includes('offline_access'),
    });
  },
  async act(visit, form) {
    if (form.get('decision') !== 'allow') return await refuse(visit);
    const authorization = await authorizationFor(visit);
    if (!authorization) return notSignedIn(visit);
    const shown = offered(authorization);
    const chosen = new Set(form.getAll('scope'));
    // What the page did not show is not the person's choice.
    if ([...chosen].some((scope) => !shown.includes(scope))) {
      return sendError(
        visit.context,
        visit.ctx,
        400,
        'What the app asks for has changed. Go back to it and begin again.',
      );
    }
    const kept = shown.filter((scope) => isRequired(scope) || chosen.has(scope));
    // A part says nothing more where the whole is allowed.
    const granted = kept.filter((scope) => !kept.some((whole) => scope.startsWith(`${whole}?`)));
    const { context, client } = visit;
    const { accountId } = authorization.person;
    const refused = shown.filter((scope) => !granted.includes(scope));
    await context.tenantDoor(context.tenantId, async (trx) =>
      saveConsent(trx, accountId, { clientId: client.clientId, granted, refused }),
    );
    await finish(visit, { consent: { scopes: granted } });
  },
};

/** Each scope asked for, followed by the parts of it that can be allowed alone. */
function offered({ scopes }: Authorization): readonly string[] {
  return [...new Set(scopes.flatMap((scope) => [scope, ...narrowerScopes(scope)]))];
}

async function patientName({ context, client }: Visit, { person, launch }: Authorization): Promise<string | undefined> {
  if (launch.patient === undefined) return undefined;
  const caller = callerOfPerson(context.tenantId, person, client.clientId);
  return (await context.patients.find(caller, launch.patient))?.name;
}
