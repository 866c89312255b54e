// Packages in npm's format come in whole or not at all: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification

import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Header, pack } from 'tar-stream';
import { FhirError } from '../../../src/fhir/outcome.ts';
import { type PackageLimits, packageLimits, readPackage } from '../../../src/validation/profiles/read-package.ts';

const manifest = {
  name: 'test.package',
  version: '1.0.0',
  fhirVersions: ['4.0.1'],
  dependencies: { 'hl7.fhir.r4.core': '4.0.1' },
};
const valueSet = { resourceType: 'ValueSet', url: 'urn:v', status: 'active' };

type File = readonly [name: string, content: unknown, header?: Partial<Header>];

async function tarOf(...files: readonly File[]): Promise<Buffer> {
  const archive = pack();
  for (const [name, content, header] of files) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    archive.entry({ name, ...header }, header?.type === undefined || header.type === 'file' ? text : '');
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function packed(...files: readonly File[]): Promise<Buffer> {
  return gzipSync(await tarOf(...files));
}

/** In pieces, as they come over the network. */
function read(bytes: Buffer, limits?: Partial<PackageLimits>, pieceBytes = 1_000) {
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, i) =>
    bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes),
  );
  return readPackage(Readable.from(pieces), { ...packageLimits, ...limits });
}

async function refusal(bytes: Buffer, limits?: Partial<PackageLimits>): Promise<string> {
  const error = await read(bytes, limits).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof FhirError)) throw new Error(`no FhirError but ${String(error)}`);
  return `${error.issues[0]?.code}: ${error.message}`;
}

const sound: File = ['package/package.json', manifest];

describe('a package', () => {
  test('gives its manifest and the definitions of its main folder, with exact numbers', async () => {
    const bytes = await packed(
      sound,
      ['package/.index.json', { files: [] }],
      ['package/ValueSet-v.json', valueSet],
      ['package/StructureDefinition-s.json', '{"resourceType":"StructureDefinition","x":1.50}'],
      ['package/Patient-p.json', { resourceType: 'Patient' }],
      ['package/example/ValueSet-e.json', valueSet],
      ['package/other/readme.md', 'x'],
      ['elsewhere/ValueSet-x.json', valueSet],
    );
    const { name, version, dependencies, resources } = await read(bytes);
    expect([name, version, [...dependencies]]).toEqual(['test.package', '1.0.0', [['hl7.fhir.r4.core', '4.0.1']]]);
    expect(resources.map(({ file }) => file)).toEqual(['ValueSet-v.json', 'StructureDefinition-s.json']);
    expect(resources[1]?.exactNumbers?.get('/x')).toBe('1.50');
  });

  test('may begin its names with ./ and its files with a byte order mark', async () => {
    const { resources } = await read(
      await packed(['./package/package.json', manifest], ['./package/v.json', `\uFEFF${JSON.stringify(valueSet)}`]),
    );
    expect(resources).toHaveLength(1);
  });

  test.each<[string, readonly File[], RegExp]>([
    ['without a manifest', [['package/v.json', valueSet]], /^invalid: .*package\.json/],
    ['with a manifest that is no JSON', [['package/package.json', '{']], /^invalid: package\/package\.json is no JSON/],
    ['without a name', [['package/package.json', { ...manifest, name: undefined }]], /^invalid: .*name/],
    ['with a name that is a path', [['package/package.json', { ...manifest, name: '../x' }]], /^invalid: .*name/],
    ['without a version', [['package/package.json', { ...manifest, version: 1 }]], /^invalid: .*version/],
    ['of another FHIR', [['package/package.json', { ...manifest, fhirVersions: ['5.0.0'] }]], /^invalid: .*4\.0\.1/],
    [
      'with dependencies that are none',
      [['package/package.json', { ...manifest, dependencies: ['x'] }]],
      /^invalid: .*dependencies/,
    ],
    [
      'with a file that is no JSON',
      [sound, ['package/v.json', '{"a":1,"a":2}']],
      /^invalid: package\/v\.json is no JSON/,
    ],
  ])('%s is refused', async (_, files, text) => {
    expect(await refusal(await packed(...files))).toMatch(text);
  });
});

describe('a hostile archive', () => {
  test('links, devices and paths out of the package lead nowhere', async () => {
    const bytes = await packed(
      sound,
      ['package/v.json', '', { type: 'symlink', linkname: '/etc/passwd' }],
      ['package/w.json', '', { type: 'link', linkname: 'package/package.json' }],
      ['package/d.json', '', { type: 'directory' }],
      ['../package/x.json', valueSet],
      ['/package/y.json', valueSet],
      ['package/../z.json', valueSet],
      ['package/__proto__.json', valueSet],
    );
    const { resources } = await read(bytes);
    expect(resources.map(({ file }) => file)).toEqual(['__proto__.json']);
  });

  test('is refused when it is too large, packed or unpacked, or in a file, or in their number', async () => {
    const bytes = await packed(sound, ['package/v.json', { ...valueSet, description: 'x'.repeat(5_000) }]);
    expect(await refusal(bytes, { packedBytesMax: 100 })).toMatch(/^too-long/);
    expect(await refusal(bytes, { unpackedBytesMax: 4_000 })).toMatch(/^too-long/);
    expect(await refusal(bytes, { fileBytesMax: 4_000 })).toMatch(/^too-long/);
    expect(await refusal(bytes, { filesMax: 1 })).toMatch(/^too-long/);
  });

  test('that unpacks to a thousand times its size is refused at the first megabytes', async () => {
    expect(await refusal(gzipSync(Buffer.alloc(60_000_000)))).toMatch(/^too-long: .*times its size/);
  });

  test('that is no gzip, no tar, cut off or empty is refused', async () => {
    const whole = await packed(sound, ['package/v.json', valueSet]);
    const tar = await tarOf(sound, ['package/v.json', valueSet]);
    for (const bytes of [
      Buffer.from('not a package'),
      gzipSync('not a tar'.repeat(200)),
      whole.subarray(0, 150),
      gzipSync(tar.subarray(0, 700)),
      gzipSync(''),
    ]) {
      expect(await refusal(bytes)).toMatch(/^invalid/);
    }
    expect(await refusal(Buffer.alloc(0))).toMatch(/^invalid/);
  });

  test('whose sender goes away is refused', async () => {
    const whole = await packed(sound);
    async function* broken() {
      yield whole.subarray(0, 20);
      throw new Error('gone');
    }
    await expect(readPackage(broken())).rejects.toBeInstanceOf(FhirError);
  });

  test('with bytes changed anywhere gives a package or a FhirError, never more than its bounds', async () => {
    const tar = await tarOf(sound, ['package/v.json', valueSet], ['package/w.json', valueSet]);
    const change = fc.tuple(fc.nat(tar.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 10 }), fc.boolean(), async (changes, isInside) => {
        const bytes = isInside ? Buffer.from(tar) : gzipSync(tar);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        const result = await read(isInside ? gzipSync(bytes) : bytes).catch((error: unknown) => error);
        expect(
          result instanceof FhirError ||
            (result as { name?: unknown }).name === 'test.package' ||
            typeof (result as { version?: unknown }).version === 'string',
        ).toBe(true);
      }),
      { seed: 11, numRuns: 300 },
    );
  });
});
