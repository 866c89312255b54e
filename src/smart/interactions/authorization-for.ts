// What the app would get, for the pages that ask the person about it.

import { type Authorization, readAuthorization } from '../authorization.ts';
import { findPerson } from '../person.ts';
import type { Visit } from './interaction.ts';
import { sendError } from './page.ts';

/** Undefined when nobody is signed in any more. */
export async function authorizationFor({ context, interaction, client }: Visit): Promise<Authorization | undefined> {
  const person = await findPerson(context, interaction.session?.accountId ?? '');
  if (!person) return undefined;
  return await readAuthorization(context, {
    ...{ person, clientId: client.clientId, params: interaction.params },
    picked: interaction.lastSubmission?.launch,
  });
}

export function notSignedIn({ context, ctx }: Visit): void {
  sendError(context, ctx, 403, 'You are not signed in any more. Go back to the app and begin again.');
}
