// The certificate of a server that speaks TLS itself; a renewed one is taken up without a restart.

import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** Files in PEM: the certificate with those that lead from it to a root, and its private key. */
export interface CertificateFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** RFC 9325 section 3.1.1. */
export const oldestTls = 'TLSv1.2';

export interface Renewal {
  /** Told of a pair that cannot be used: the one before it stays, as while only one of the two files is renewed. */
  readonly onError: (error: unknown) => void;
  readonly lookEveryMs?: number;
}

/** Throws where the two do not belong together, or cannot be read. */
export function readCertificate({ certificateFile, keyFile }: CertificateFiles): SecureContextOptions {
  const context = { cert: readFileSync(certificateFile), key: readFileSync(keyFile), minVersion: oldestTls } as const;
  createSecureContext(context);
  return context;
}

/** Connections that are open keep theirs. Ends with the server. */
export function renewCertificate(server: Server, files: CertificateFiles, renewal: Renewal): void {
  const { onError, lookEveryMs: interval = 10_000 } = renewal;
  const renew = () => {
    try {
      server.setSecureContext(readCertificate(files));
    } catch (error) {
      onError(error);
    }
  };
  const watched = [files.certificateFile, files.keyFile];
  for (const file of watched) watchFile(file, { interval, persistent: false }, renew);
  server.once('close', () => {
    for (const file of watched) unwatchFile(file, renew);
  });
}
