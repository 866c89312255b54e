// A folder for one test file that PostgreSQL's own user may pass through too, when the tests run as root.

import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The caller removes it in `afterAll`. `mkdtemp` alone would close it to all but root, and the cluster would land elsewhere. */
export function makeTemporaryFolder(below: string = tmpdir()): string {
  const folder = mkdtempSync(path.join(below, 'hpms-test-'));
  chmodSync(folder, 0o711);
  return folder;
}
