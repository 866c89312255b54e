// Name and version of this software, as package.json has them.

import { readFileSync } from 'node:fs';
import type { CapabilityStatementSoftware } from '@medplum/fhirtypes';

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export const software: CapabilityStatementSoftware = { name: 'HPMS', version };
