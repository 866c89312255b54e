// Somebody's relative who has an account is no member of staff: security.md 25 and 27.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type AppWorld, letIn, makePerson, startAppWorld } from '../smart/app-world.ts';
import { send } from '../support/server.ts';

let world: AppWorld;
let token: string;
let own: string;
let others: string;
beforeAll(async () => {
  world = await startAppWorld();
  const { server, anna, bert } = world;
  const make = async (body: { resourceType: string }) =>
    (await server.a.request('POST', `/${body.resourceType}`, body)).json.id as string;
  const relative = await make({ resourceType: 'RelatedPerson', patient: { reference: `Patient/${anna}` } } as never);
  const appointment = (...actors: string[]) => ({
    ...{ resourceType: 'Appointment', status: 'proposed' },
    participant: actors.map((reference) => ({ actor: { reference }, status: 'accepted' })),
  });
  own = await make(appointment(`Patient/${anna}`, `RelatedPerson/${relative}`));
  others = await make(appointment(`Patient/${bert}`));
  const person = await makePerson(server, server.a, ['patient'], `RelatedPerson/${relative}`);
  const scope = 'openid user/Appointment.rs user/Patient.rs user/Observation.rs';
  token = (await letIn(world, person, scope)).body.access_token;
}, 60_000);
afterAll(() => world.server.close());

const ask = (path: string) => world.server.a.request('GET', path, undefined, { Authorization: `Bearer ${token}` });

test('it sees the appointments that it takes part in, and none of others', async () => {
  const { json } = await ask('/Appointment');
  expect((json.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id)).toEqual([own]);
  expect([(await ask(`/Appointment/${own}`)).status, (await ask(`/Appointment/${others}`)).status]).toEqual([200, 404]);
  expect((await ask('/Appointment?_summary=count')).json.total).toBe(1);
});

test('it opens no app for others, as an EHR does', async () => {
  const url = `${world.server.origin}/t/clinic-a/launch`;
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  expect((await send(url, 'POST', { client_id: world.publicApp }, headers)).status).toBe(403);
});
