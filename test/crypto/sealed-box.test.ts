// A sealed box opens only as what it was sealed as: NIST SP 800-38D; security.md 1.10, fault 38

import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { auditEventDictionary } from '../../src/crypto/dictionaries.ts';
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
);

describe('a sealed box', () => {
  test('opens to the bytes that went in, empty and long ones too', () => {
    fc.assert(
      fc.property(body, fc.nat(2 ** 31 - 1), fc.string(), (plain, version, context) => {
        const box = seal(key, version, Buffer.from(plain), context);
        expect(keyVersionOf(box)).toBe(version);
        // Not toEqual, which compares byte by byte in JavaScript.
        expect(open(key, box, context).equals(plain)).toBe(true);
      }),
      { seed, numRuns: 300 },
    );
    const long = Buffer.alloc(3_000_000, 'HPMS ');
    expect(open(key, seal(key, 1, long, 'x'), 'x').equals(long)).toBe(true);
  });

  test('of what is like a dictionary is small, opens to the bytes that went in, and is another one without it', () => {
    const alike = Buffer.concat([auditEventDictionary.bytes.subarray(500, 2_500), Buffer.from('and something new')]);
    const box = seal(key, 1, alike, 'x', auditEventDictionary);
    expect(open(key, box, 'x').equals(alike)).toBe(true);
    expect(box.length).toBeLessThan(seal(key, 1, alike, 'x').length / 4);
    fc.assert(
      fc.property(body, (plain) => {
        expect(open(key, seal(key, 1, Buffer.from(plain), 'x', auditEventDictionary), 'x').equals(plain)).toBe(true);
      }),
      { seed, numRuns: 200 },
    );
  });

  test('needs the dictionary of its time for ever: it is the one that AuditEvents were first sealed with', () => {
    expect(createHash('sha256').update(auditEventDictionary.bytes).digest('hex')).toBe(
      '9f700eb73c77f3aa2e8100b40341b19d315a2db90b2ca9e42495760ff83671ee',
    );
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
    expect(() => old.open(fresh.seal(Buffer.from('x'), 'c'), 'c')).toThrow('version 3 of tenant 1 is missing');
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
