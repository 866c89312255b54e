// A sealed box opens only as what it was sealed as: NIST SP 800-38D; security.md 1.10, fault 38

import { createHash, createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildAccessAudit } from '../../src/access/access-audit.ts';
import { auditEventDictionary, formerAuditEventDictionary, resourceDictionary } from '../../src/crypto/dictionaries.ts';
import { keyVersionOf, open, seal } from '../../src/crypto/sealed-box.ts';
import { createTenantCipher } from '../../src/crypto/tenant-cipher.ts';

const seed = 20_261_120;
const key = createSecretKey(Buffer.alloc(32, 'one'));
const otherKey = createSecretKey(Buffer.alloc(32, 'two'));
const body = fc.oneof(
  fc.uint8Array({ maxLength: 500 }),
  fc
    .tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.integer({ min: 10, max: 300 }))
    .map(([text, n]) => Buffer.from(text.repeat(n))),
  // Pieces of what a dictionary holds with something else between them, up to what is long.
  fc
    .array(fc.tuple(fc.nat(resourceDictionary.bytes.length), fc.nat(800), fc.uint8Array({ maxLength: 40 })), {
      maxLength: 60,
    })
    .map((pieces) => {
      const { bytes } = resourceDictionary;
      return Buffer.concat(pieces.flatMap(([from, length, other]) => [bytes.subarray(from, from + length), other]));
    }),
);

/** As the server makes it of a patient's record that somebody of the staff has read. */
function anAuditEvent() {
  const person = { clientId: randomUUID(), reference: `Practitioner/${randomUUID()}`, display: 'Eva Muster' };
  const caller = { ...person, kind: 'staff', accountId: randomUUID(), roles: ['provider'] } as const;
  const path = `Observation/${randomUUID()}`;
  return buildAccessAudit(
    {
      ...{ id: randomUUID(), recordedMs: Date.UTC(2026, 10, 21), interaction: 'read', method: 'GET', path, query: '' },
      ...{ caller, address: '192.0.2.7', requestId: randomUUID(), outcome: '0', status: 200 },
      ...{ answered: [`${path}/_history/1`], patients: [`Patient/${randomUUID()}`] },
    },
    'https://fhir.clinic.example',
  );
}

/** Made by the version before LZ4. */
const formerly = {
  text: `{"resourceType":"Patient","id":"p","name":[{"family":"Muster","given":["Eva","Eva","Eva"]}],"text":"one${' and one'.repeat(14)}"}`,
  deflated:
    'AQAAAAEBLgU/jx6JVmU9Yr4IURIw5QOX4LGmM/uCZ5mU4vDgaIp6hF4+Q85C6qk7RjWlksoKXp344lDxRGVvlugCaQisYPprAU91A129kSY2xhbO8vpFc140/bdVfaFH5ESkRX+Jw+GMNV1+8mAB/vTO/sjoAcqXEbJ/wimFWxQ=',
  likeAuditEvents:
    'AwAAAAHb6dTcnCAiFeDk9fnCRvRjfFEK/9dee1LZ4Tt87KOkwbBE3gxwqDU87cBjMmJBfUylv3kxVHTUjyedPYPolPBYsS6Nh/PxAwOXdaabOp7w2eJr95tgGC+L7UtNHgd8AF0sHAk=',
};

describe('a sealed box', () => {
  test('opens to the bytes that went in, empty and long ones too', () => {
    fc.assert(
      fc.property(body, fc.nat(2 ** 31 - 1), fc.string(), (plain, version, context) => {
        const box = seal(key, version, Buffer.from(plain), context);
        expect(keyVersionOf(box)).toBe(version);
        // Not toEqual, which compares byte by byte in JavaScript.
        expect(open(key, box, context).equals(plain)).toBe(true);
      }),
      { seed, numRuns: 2_000 },
    );
    const long = Buffer.alloc(3_000_000, 'HPMS ');
    expect(open(key, seal(key, 1, long, 'x'), 'x').equals(long)).toBe(true);
  });

  test.each([99, 100, 16_383, 16_384])('of %d bytes, where another way to compress begins, opens to them', (length) => {
    const random = createHash('shake256', { outputLength: length }).update('HPMS').digest();
    for (const plain of [Buffer.alloc(length, 'a resource '), random])
      expect(open(key, seal(key, 1, plain, 'x'), 'x').equals(plain)).toBe(true);
  });

  test.each([
    ['a deflated text', formerly.deflated],
    ['one deflated against the dictionary of AuditEvents', formerly.likeAuditEvents],
  ])('of an earlier version opens still: %s', (_, box) => {
    expect(open(key, Buffer.from(box, 'base64'), 'x').toString()).toBe(formerly.text);
  });

  test('of a usual resource is smaller than DEFLATE makes it without a dictionary', () => {
    const text = JSON.stringify({
      ...{ resourceType: 'Slot', id: '0c8f1b1e-7d0c-4a57-8f43-0b6c5bb1a4a9' },
      meta: { versionId: '1', lastUpdated: '2026-11-21T08:00:00.000Z' },
      schedule: { reference: 'Schedule/3f2a9f0e-53a1-4f0e-9a3b-16f4f4a2c7d1' },
      serviceType: [
        {
          coding: [
            { system: 'http://terminology.hl7.org/CodeSystem/service-type', code: '57', display: 'Immunization' },
          ],
        },
      ],
      ...{ status: 'free', start: '2026-11-23T09:00:00.000Z', end: '2026-11-23T09:15:00.000Z' },
    });
    const without = deflateRawSync(text).length;
    const box = seal(key, 1, Buffer.from(text), 'x');
    expect(box.length).toBeLessThan(text.length * 0.6);
    expect(box.length).toBeLessThan(without);
  });

  test('of an AuditEvent is small, and opens to the bytes that went in, also if they are no text', () => {
    const event = Buffer.from(JSON.stringify(anAuditEvent()));
    const box = seal(key, 1, event, 'x', 'audit-event');
    expect(open(key, box, 'x').equals(event)).toBe(true);
    expect(box.length).toBeLessThan(event.length / 5);
    const ids = fc.array(fc.uuid(), { maxLength: 300 }).map((list) => Buffer.from(list.join(' Observation/')));
    fc.assert(
      fc.property(fc.oneof(body, ids), (plain) => {
        expect(open(key, seal(key, 1, Buffer.from(plain), 'x', 'audit-event'), 'x').equals(plain)).toBe(true);
      }),
      { seed, numRuns: 400 },
    );
  });

  test.each([
    [auditEventDictionary, 'f2138fde585502c7d3df436b2e3477e4c66213ea0e94c265c28c731082a9c98f'],
    [formerAuditEventDictionary, '9f700eb73c77f3aa2e8100b40341b19d315a2db90b2ca9e42495760ff83671ee'],
    [resourceDictionary, '5b2a436c1021c47adb7646e595689b63607101d8cc2f0e08f84edc16060d660d'],
  ])('needs the dictionary of its time for ever: this is the one that was first sealed with', ({ bytes }, hash) => {
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(hash);
  });

  test('does not open with any one bit flipped', () => {
    for (const plain of [Buffer.from('short'), Buffer.alloc(400, 'long ')]) {
      const box = seal(key, 1, plain, 'Patient|1|1');
      for (let bit = 0; bit < box.length * 8; bit++) {
        const changed = Buffer.from(box);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => open(key, changed, 'Patient|1|1')).toThrow();
      }
    }
  });

  test('does not open cut, prolonged, under another key or in another context', () => {
    const box = seal(key, 1, Buffer.alloc(400, 'long '), 'Patient|1|1');
    for (let length = 0; length < box.length; length++) {
      expect(() => open(key, box.subarray(0, length), 'Patient|1|1')).toThrow();
    }
    expect(() => open(key, Buffer.concat([box, Buffer.alloc(1)]), 'Patient|1|1')).toThrow();
    expect(() => open(otherKey, box, 'Patient|1|1')).toThrow();
    for (const context of ['', 'Patient|1|2', 'Patient|11', 'Patient|1|1 ', 'patient|1|1'])
      expect(() => open(key, box, context)).toThrow();
    expect(() => keyVersionOf(box.subarray(0, 32))).toThrow('too short');
  });

  test('never looks the same twice: every seal has an IV of its own', () => {
    const ivs = Array.from({ length: 2_000 }, () => seal(key, 1, Buffer.from('x'), 'x').toString('hex', 5, 17));
    expect(new Set(ivs).size).toBe(2_000);
  });

  test('shows nothing of what is in it', () => {
    const box = seal(key, 1, Buffer.from('{"family":"Muster"}'.repeat(50)), 'x');
    expect(box.toString('latin1')).not.toMatch(/Muster|family/);
  });
});

describe("a tenant's cipher", () => {
  const keys = (...versions: number[]) =>
    versions.map((version) => ({ version, key: createSecretKey(randomBytes(32)) }));
  const cipherOf = (
    tenantId: number,
    dataKeys: ReturnType<typeof keys>,
    indexKey = createSecretKey(Buffer.alloc(32, tenantId)),
  ) =>
    createTenantCipher(
      tenantId,
      { epoch: 0, data: dataKeys, index: [{ version: 1, key: indexKey, use: 'asked' }] },
      { beforeSeal: () => undefined, onUnknownKey: () => undefined },
    );

  test('does not open what was sealed for another row, id, version or tenant, even under the same key', () => {
    const shared = keys(1);
    const a = cipherOf(1, shared);
    const box = a.seal(Buffer.from('x'), 'Patient|p|1');
    expect(a.open(box, 'Patient|p|1').toString()).toBe('x');
    for (const context of ['Observation|p|1', 'Patient|q|1', 'Patient|p|2', 'AuditEvent|p|1']) {
      expect(() => a.open(box, context)).toThrow();
    }
    expect(() => cipherOf(2, shared).open(box, 'Patient|p|1')).toThrow();
    // 1|1... and 11|... must not read alike.
    expect(() => cipherOf(11, shared).open(cipherOf(1, shared).seal(Buffer.from('x'), '1|y'), 'y')).toThrow();
  });

  test('seals under the newest key and opens under each it knows', () => {
    const [first, second, third] = keys(1, 2, 3);
    const old = cipherOf(1, [first!]);
    const fresh = cipherOf(1, [second!, third!, first!]);
    const box = old.seal(Buffer.from('x'), 'c');
    expect(fresh.open(box, 'c').toString()).toBe('x');
    expect(keyVersionOf(fresh.seal(Buffer.from('x'), 'c'))).toBe(3);
    expect(() => old.open(fresh.seal(Buffer.from('x'), 'c'), 'c')).toThrow('data key version 3 is missing');
  });

  test('does not open a box whose key version was changed to another key of the same tenant', () => {
    const cipher = cipherOf(1, keys(1, 2));
    const box = cipher.seal(Buffer.from('x'), 'c');
    box.writeUInt32BE(1, 1);
    expect(() => cipher.open(box, 'c')).toThrow();
  });

  test('makes the same token of the same text, another one of another text and for another tenant', () => {
    const [a, b] = [cipherOf(1, keys(1)), cipherOf(2, keys(1))];
    const texts = Array.from({ length: 1_000 }, (_, n) => `Patient.identifier|urn:mrn|${n}`);
    const tokens = texts.map(a.tokenOf);
    expect(texts.map(a.tokenOf)).toEqual(tokens);
    expect(new Set([...tokens, ...texts.map(b.tokenOf)]).size).toBe(2_000);
    for (const token of tokens) expect(BigInt.asIntN(64, token)).toBe(token);
  });

  test('remembers a bounded number of tokens and forgets none wrongly', () => {
    const cipher = cipherOf(1, keys(1));
    const first = cipher.tokenOf('first');
    for (let n = 0; n < 30_000; n++) cipher.tokenOf(`text ${n}`);
    expect(cipher.tokenOf('first')).toBe(first);
    const long = 'x'.repeat(10_000);
    expect(cipher.tokenOf(long)).toBe(cipher.tokenOf(long));
  });
});
