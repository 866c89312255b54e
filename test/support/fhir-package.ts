// A small FHIR package as the registries send them: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification

import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

const manifest = {
  name: 'test.pack',
  version: '1.0.0',
  fhirVersions: ['4.0.1'],
  dependencies: { 'other.pack': '2.0.0' },
};

/** With these files in its main folder. */
export async function packageOf(
  ...files: readonly (readonly [name: string, content: object])[]
): Promise<Buffer<ArrayBuffer>> {
  const archive = pack();
  for (const [name, content] of [['package.json', manifest] as const, ...files]) {
    archive.entry({ name: `package/${name}` }, JSON.stringify(content));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.from(gzipSync(Buffer.concat(chunks)));
}
