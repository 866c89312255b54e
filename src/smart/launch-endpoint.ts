// Where an EHR tells what is open in it before it opens an app: https://hl7.org/fhir/smart-app-launch/app-launch.html#launch-app-ehr-launch

import type Koa from 'koa';
import type { Caller } from '../access/caller.ts';
import { fhirError } from '../fhir/outcome.ts';
import { type Client, findClient } from '../people/clients.ts';
import { readJsonRequest } from './json-request.ts';
import { broughtWithinSeconds, insertLaunch } from './launches.ts';
import { noteCaller } from './on-record.ts';
import type { PatientDirectory } from './patient-directory.ts';
import type { PersonContext } from './person.ts';
import type { IssuerUrls } from './urls.ts';

export interface LaunchContext extends PersonContext {
  readonly urls: IssuerUrls;
  readonly patients: PatientDirectory;
  readonly authenticate: (authorizationHeader: string | undefined) => Caller | Promise<Caller>;
}

const members: ReadonlySet<string> = new Set(['client_id', 'patient', 'encounter', 'intent']);
const textLengthMax = 200;

/** The caller names only what it may read itself; what the app may then read is decided when somebody signs in. */
export async function answerLaunch(context: LaunchContext, ctx: Koa.Context): Promise<void> {
  const caller = await context.authenticate(ctx.req.headers.authorization);
  noteCaller(ctx, caller);
  if (caller.kind === 'patient') throw fhirError('forbidden', 'Apps are opened by staff and their systems.');
  const { client_id: clientId, patient, encounter, intent } = readMembers(await readJsonRequest(ctx));
  const client = await findApp(context, clientId);
  if (patient !== undefined && !(await context.patients.find(caller, patient))) throw unknown('Patient');
  if (
    encounter !== undefined &&
    patient !== undefined &&
    !(await context.patients.hasEncounter(caller, patient, encounter))
  ) {
    throw unknown('Encounter of this patient');
  }
  const launch = await context.tenantDoor(context.tenantId, async (trx) =>
    insertLaunch(trx, {
      clientId: client.clientId,
      ...(caller.accountId === undefined ? {} : { accountId: caller.accountId }),
      ...(patient === undefined ? {} : { patient }),
      ...(encounter === undefined ? {} : { encounter }),
      ...(intent === undefined ? {} : { intent }),
    }),
  );
  ctx.status = 201;
  ctx.body = { launch, expires_in: broughtWithinSeconds, ...launchUrl(client, context.urls, launch) };
}

interface Members {
  readonly client_id: string;
  readonly patient?: string;
  readonly encounter?: string;
  readonly intent?: string;
}

function readMembers(body: Readonly<Record<string, unknown>>): Members {
  for (const [name, value] of Object.entries(body)) {
    if (!members.has(name)) throw fhirError('invalid', `A launch has no ${name.slice(0, 64)}.`);
    if (typeof value !== 'string' || value === '' || value.length > textLengthMax || value.includes('\0')) {
      const diagnostics = `${name} must be a text of 1 to ${textLengthMax} characters, none of them NUL.`;
      throw fhirError('value', diagnostics, { expression: name });
    }
  }
  // Else the app could be opened with one patient and another one's visit.
  if (body.encounter !== undefined && body.patient === undefined) {
    throw fhirError('required', 'Name the patient of the encounter, too.', { expression: 'patient' });
  }
  if (body.client_id === undefined) throw fhirError('required', 'client_id is missing.', { expression: 'client_id' });
  return body as unknown as Members;
}

async function findApp({ tenantId, tenantDoor, keyRing }: LaunchContext, clientId: string): Promise<Client> {
  const cipher = await keyRing.cipherOf(tenantId);
  const client = await tenantDoor(tenantId, (trx) => findClient(trx, cipher, clientId));
  if (client?.active && client.grantTypes.includes('authorization_code')) return client;
  throw unknown('app');
}

function unknown(what: string): Error {
  return fhirError('not-found', `There is no such ${what}.`);
}

/** What the EHR opens, where the app has said so. */
function launchUrl({ launchUrl: registered }: Client, { fhirBase }: IssuerUrls, launch: string) {
  if (registered === undefined) return {};
  const url = new URL(registered);
  url.searchParams.set('iss', fhirBase);
  url.searchParams.set('launch', launch);
  return { launch_url: url.href };
}
