// The operations that the app offers, for tests of what is made of them.

import type { Operation } from '../../src/operations/operation.ts';
import { serverOperations } from '../../src/operations/operations.ts';
import { createWorkflows } from '../../src/workflows.ts';

const workflows = createWorkflows({
  settingsOf() {
    throw new Error('No operation is run here.');
  },
});

export const allOperations: readonly Operation[] = [
  ...serverOperations,
  ...workflows.flatMap(({ operations = [] }) => operations),
];
