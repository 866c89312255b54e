// The canaries of one run: random texts that stand for everything about a person, each recognisable wherever it turns up.

import { randomInt } from 'node:crypto';
import type { Word } from './scanner.ts';

/** What is stored somewhere in a resource. */
const resourceNames = [
  ...['family', 'given', 'middle', 'nameText', 'email', 'street', 'city', 'mrn', 'narrative', 'contactName', 'photo'],
  ...['extension', 'elementId', 'tag', 'source', 'contained', 'maritalStatus', 'generalPractitionerUrl', 'display'],
  ...['note', 'valueString', 'codeText', 'code', 'logicalIdentifier', 'binaryContent', 'largeBody', 'longBody'],
  ...['comment', 'visitText', 'changedFamily', 'patchedGiven', 'bundleFamily', 'bundleNote', 'batchFamily'],
  // Of the client that writes everything: each AuditEvent names it.
  ...['repeatedFamily', 'deletedFamily', 'clientName'],
] as const;

/** What stands in no resource: people, and what is only part of requests, most of them wrong. */
const otherNames = [
  ...['accountName', 'accountEmail'],
  ...['brokenJson', 'duplicateKey', 'unknownElement', 'wrongType', 'badCode', 'badId', 'nulCharacter', 'loneSurrogate'],
  ...['searchName', 'searchIdentifier', 'searchUnknown', 'searchForm', 'searchNul', 'conditionalReference'],
  ...['pathTenant', 'pathType', 'pathUnknown', 'rawRequest', 'bearer', 'basic', 'clientId', 'clientSecret', 'scope'],
  ...[
    'grantType',
    'assertion',
    'introspected',
    'idempotencyKey',
    'ifMatch',
    'userAgent',
    'forwardedFor',
    'harmfulRequestId',
  ],
  ...['accept', 'contentType', 'patchPath', 'overbooking', 'sqlValue', 'forgedFrame'],
] as const;

const shapedNames = ['phone', 'contactPhone', 'ssn', 'birthDate'] as const;

/** What can be read again as part of resources. */
export const storedNames = [...resourceNames, ...shapedNames] as const;

type CanaryName = (typeof storedNames)[number] | (typeof otherNames)[number];
export type Canaries = Readonly<Record<CanaryName, string>>;

export function makeCanaries(): Canaries {
  const texts = Object.fromEntries([...resourceNames, ...otherNames].map((name) => [name, makeWord('Cnry')]));
  return {
    ...(texts as Record<CanaryName, string>),
    phone: makePhone(),
    contactPhone: makePhone(),
    ssn: `${digits(3)}-${digits(2)}-${digits(4)}`,
    birthDate: `190${digits(1)}-0${randomInt(1, 10)}-${randomInt(10, 29)}`,
  };
}

/** 20 letters and digits, of which 16 are random, so that each half is found by itself. */
export function makeWord(start: string): string {
  return start + Array.from({ length: 16 }, () => letters[randomInt(letters.length)]).join('');
}

const letters = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789';

function digits(count: number): string {
  return Array.from({ length: count }, () => randomInt(10)).join('');
}

function makePhone(): string {
  return `+1 (555) ${digits(5)}-${digits(5)}`;
}

export function wordsOf(canaries: Canaries): Word[] {
  return Object.entries(canaries).map(([name, text]): Word => {
    if (name === 'birthDate') return { name, texts: [text], binary: timestampsOf(text) };
    const isPhone = name === 'phone' || name === 'contactPhone';
    return { name, texts: isPhone ? [text, text.replace(/\D/g, '')] : [text] };
  });
}

/** The first and the last moment of the day, or the moment: microseconds since 2000, https://www.postgresql.org/docs/18/datatype-datetime.html */
export function timestampsOf(date: string) {
  const start = Date.parse(date);
  const moments = date.length > 10 ? [start] : [start, start + 86_399_999];
  return moments.map((moment) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(moment - Date.UTC(2000, 0, 1)) * 1_000n);
    return { encoding: 'timestamptz', bytes };
  });
}
