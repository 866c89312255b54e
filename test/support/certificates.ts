// Certificates of a day for servers on this machine, each signed by itself.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { generate } from 'selfsigned';

export interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM, which is also the root to trust. */
  readonly certificate: string;
  readonly key: string;
}

/** For `localhost` and 127.0.0.1, in two files of the folder. */
export async function makeCertificate(folder: string, name = 'server'): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  const certificateFile = path.join(folder, `${name}.crt`);
  const keyFile = path.join(folder, `${name}.key`);
  writeFileSync(certificateFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  return { certificateFile, keyFile, certificate: cert, key };
}
