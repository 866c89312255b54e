// A person sees by which identity providers their account signs in, and ends that with the password (security.md 57; RFC 9700 section 4.7).

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { actOf } from '../../../src/people/account-acts.ts';
import { findAccountOfIdentity, type Identity, linkIdentity } from '../../../src/people/identities.ts';
import { createIdentityProvider } from '../../../src/people/identity-providers.ts';
import type { AnswerAccount } from '../../../src/smart/account/account-pages.ts';
import type { AccountSession } from '../../../src/smart/account/session.ts';
import type { TenantRecord } from '../../../src/tenants/registry.ts';
import { type AccountWorld, csrfIn, goodPassword, openAccountWorld, visit } from './account-world.ts';

const issuer = 'https://idp.hospital.example';
let world: AccountWorld;
let pages: AnswerAccount;
beforeAll(async () => {
  world = await openAccountWorld();
  const { tenantDoor, keyRing } = world.database;
  const cipher = await keyRing.cipherOf(world.a.id);
  const details = { issuer, clientId: 'clinic', scopes: '', display: 'Hospital directory', active: true };
  await tenantDoor(world.a.id, (trx) => createIdentityProvider(trx, cipher, details));
});
beforeEach(() => {
  pages = world.openPages();
});
afterAll(() => world.close());

async function link(tenant: TenantRecord, accountId: string, subject: string): Promise<void> {
  const cipher = await world.database.keyRing.cipherOf(tenant.id);
  const identity = { issuer, subject, knownAs: `${subject}@hospital.example` };
  await world.database.tenantDoor(tenant.id, (trx) => linkIdentity(trx, cipher, accountId, identity));
}

async function ownerOf(tenant: TenantRecord, identity: Identity): Promise<string | undefined> {
  const cipher = await world.database.keyRing.cipherOf(tenant.id);
  return await world.database.tenantDoor(tenant.id, (trx) => findAccountOfIdentity(trx, cipher, identity));
}

async function open(tenant: TenantRecord, subject: string) {
  const id = await world.makeAccount(tenant);
  await link(tenant, id, subject);
  const session = await world.signIn(tenant, id);
  const { html = '' } = await visit(pages, tenant, 'GET ', { session });
  return { id, session, html, csrf: csrfIn({ html } as never), identity: identityIn(html) };
}

const identityIn = (html: string) => /name="identity" value="([^"]+)"/.exec(html)?.[1] ?? '';

const unlink = (session: AccountSession, form: Record<string, string>, tenant = world.a) =>
  visit(pages, tenant, 'POST /identities/unlink', { session, form });

test('the page names the provider, and what it calls the person', async () => {
  const { html } = await open(world.a, 'eva');
  expect(html).toContain('<bdi>Hospital directory</bdi> as <bdi>eva@hospital.example</bdi>');
  const stranger = await world.makeAccount(world.a);
  const other = await visit(pages, world.a, 'GET ', { session: await world.signIn(world.a, stranger) });
  expect(other.html).toContain('Linked sign-ins');
  expect(other.html).not.toContain('eva@hospital.example');
});

test('a provider that the clinic has no more is named by its address; without any there is no such section', async () => {
  expect((await open(world.b, 'eva')).html).toContain(`<bdi>${issuer}</bdi>`);
  const id = await world.makeAccount(world.b);
  const { html } = await visit(pages, world.b, 'GET ', { session: await world.signIn(world.b, id) });
  expect(html).not.toContain('Linked sign-ins');
});

test('unlinked with the password: it signs in no more, all other sessions end, and it is written down', async () => {
  const { id, session, csrf, identity } = await open(world.a, 'maria');
  await world.signIn(world.a, id);
  const answer = await unlink(session, { csrf, identity, password: goodPassword });
  expect(answer).toMatchObject({ status: 303, headers: { Location: '/base/t/a/account?notice=unlinked' } });
  expect(await ownerOf(world.a, { issuer, subject: 'maria' })).toBeUndefined();
  expect(await world.sessionsOf(world.a, id)).toBe(1);
  const events = await world.database.tenantDoor(world.a.id, (trx) =>
    trx.query<{ event_key: string }>({ text: 'SELECT event_key FROM outbox WHERE resource_id = $1', values: [id] }),
  );
  expect(events.map(({ event_key }) => actOf(event_key))).toEqual(['identity-unlinked']);
});

test('a wrong password unlinks nothing, is told at its own field, and may be tried five times in a quarter of an hour', async () => {
  const { id, session, csrf, identity } = await open(world.a, 'otto');
  const wrong = await unlink(session, { csrf, identity, password: 'wrong wrong wrong' });
  expect(wrong.status).toBe(422);
  expect(wrong.html).toMatch(new RegExp(`id="unlink-${identity}"[^>]* aria-invalid="true"`));
  for (let tries = 2; tries <= 5; tries += 1) await unlink(session, { csrf, identity, password: 'wrong' });
  expect(await unlink(session, { csrf, identity, password: goodPassword })).toMatchObject({ status: 429 });
  expect(await ownerOf(world.a, { issuer, subject: 'otto' })).toBe(id);
});

test('nobody unlinks what is another account’s, or another tenant’s', async () => {
  const victim = await open(world.a, 'victim');
  const mallory = await open(world.a, 'mallory');
  const away = await open(world.b, 'away');
  for (const identity of [victim.identity, away.identity, 'x', '']) {
    const { session, csrf } = mallory;
    expect(await unlink(session, { csrf, identity, password: goodPassword })).toMatchObject({ status: 303 });
  }
  expect(await ownerOf(world.a, { issuer, subject: 'victim' })).toBe(victim.id);
  expect(await ownerOf(world.a, { issuer, subject: 'mallory' })).toBe(mallory.id);
  expect(await ownerOf(world.b, { issuer, subject: 'away' })).toBe(away.id);
});
