// One view of each kind, and of each state that looks different, as the tests of rendering and of the browser share them.

import type { PageContext } from '../../../src/smart/pages/layout.ts';
import type { PageView } from '../../../src/smart/pages/pages.ts';

export const pageContext: PageContext = { tenantDisplay: 'Riverside Clinic', basePath: '/t/a', language: 'en' };

const formParts = { action: '/t/a/interaction/1', csrf: 'csrf-token' };
const when = new Date('2026-11-20T14:05:00Z');

export const sampleViews: Readonly<Record<string, PageView>> = {
  login: {
    kind: 'login',
    ...formParts,
    clientName: 'Growth Chart',
    providers: [{ name: 'Riverside staff directory', href: '/t/a/upstream/1/start' }],
    resetHref: '/t/a/account/forgot',
  },
  'login-failed': {
    kind: 'login',
    ...formParts,
    email: 'ada@example.org',
    error: 'The e-mail address or the password is wrong.',
    providers: [],
    resetHref: '/t/a/account/forgot',
  },
  'second-factor': { kind: 'second-factor', ...formParts, error: 'This code is not right, or was used already.' },
  enrol: {
    kind: 'enrol',
    ...formParts,
    secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
    otpauthUrl: 'otpauth://totp/Riverside:ada%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Riverside',
  },
  'recovery-codes': {
    kind: 'recovery-codes',
    codes: Array.from({ length: 10 }, (_, index) => `k7dm9-qfx2w-hc4t${index}-n8rvy-6bk2mz`),
    nextHref: '/t/a/account',
  },
  consent: {
    kind: 'consent',
    ...formParts,
    clientName: 'Growth Chart',
    clientUri: 'https://growth.example.org/about',
    patient: 'Peter James Chalmers',
    isOffline: true,
    scopes: [
      { scope: 'openid fhirUser', label: 'Know who you are', isRequired: true },
      { scope: 'patient/Patient.rs', label: 'See name, birth date and address', isRequired: false },
      {
        scope: 'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs',
        label: 'See measurements',
        detail: 'Only category http://terminology.hl7.org/CodeSystem/observation-category|vital-signs',
        isRequired: false,
      },
      { scope: 'patient/Condition.cu', label: 'Add and change problems and diagnoses', isRequired: false },
    ],
  },
  picker: {
    kind: 'picker',
    ...formParts,
    clientName: 'Growth Chart',
    query: 'chalm',
    patients: [
      { id: 'p1', name: 'Peter James Chalmers', birthDate: '1974-12-25', detail: 'Record 12345' },
      { id: 'p2', name: 'شيماء الشالميرز', birthDate: '2011-03-02' },
      { id: 'p3', name: 'Wolfeschlegelsteinhausenbergerdorff-Chalmersveryverylong' },
    ],
    hasMore: true,
  },
  'picker-empty': { kind: 'picker', ...formParts, query: 'nobody', patients: [], hasMore: false },
  'encounter-picker': {
    kind: 'encounter-picker',
    ...formParts,
    clientName: 'Growth Chart',
    patient: 'Peter James Chalmers',
    encounters: [
      { id: 'e1', name: 'Follow-up', date: '2026-11-20', status: 'under way' },
      { id: 'e2', name: 'استشارة', status: 'finished' },
    ],
    hasMore: true,
  },
  message: {
    kind: 'message',
    title: 'This link does not work',
    text: 'It was used already, or is too old. Ask for a new one.',
    link: { href: '/t/a/account/forgot', text: 'Ask for a new link' },
    isError: true,
  },
  'reset-request': { kind: 'reset-request', ...formParts, loginHref: '/t/a/account' },
  'new-password': {
    kind: 'new-password',
    ...formParts,
    token: 'x1',
    email: 'ada@example.org',
    error: 'It is too common.',
  },
  invitation: { kind: 'new-password', ...formParts, token: 'x1', email: 'ada@example.org', isInvitation: true },
  account: {
    kind: 'account',
    csrf: 'csrf-token',
    name: 'Ada Lovelace',
    email: 'ada@example.org',
    notice: 'The session was ended.',
    hasPassword: true,
    secondFactor: { isOn: true, isRequired: false, recoveryCodesLeft: 9 },
    identities: [
      { id: 'i1', provider: 'Riverside staff directory', knownAs: 'ada@example.org', since: when },
      { id: 'i2', provider: 'https://idp.example.org', since: when },
    ],
    sessions: [
      { id: 's1', device: 'Firefox on Linux', network: '192.0.2.7', lastUsedAt: when, isCurrent: true },
      { id: 's2', device: 'Safari on iPhone', lastUsedAt: when, isCurrent: false },
      { id: 's3', device: 'Chromium on Windows', network: '2001:db8:0:1', lastUsedAt: when, isCurrent: false },
    ],
    apps: [
      {
        ...{ clientId: 'c1', name: 'Growth Chart', uri: 'https://growth.example.org', since: when },
        rights: ['See measurements', 'Add and change problems and diagnoses'],
      },
    ],
  },
  'account-plain': {
    kind: 'account',
    csrf: 'csrf-token',
    name: 'Ada Lovelace',
    email: 'ada@example.org',
    error: 'The present password is wrong.',
    errorAt: 'password',
    hasPassword: true,
    secondFactor: { isOn: false, isRequired: false, recoveryCodesLeft: 0 },
    identities: [{ id: 'i1', provider: 'Riverside staff directory', since: when, isWrong: true }],
    sessions: [],
    apps: [],
  },
};
