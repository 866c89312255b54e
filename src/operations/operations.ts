// The operations of the server itself; those of a workflow are in its module.

import { accessReport } from './access-report.ts';
import { auditVerify } from './audit-verify.ts';
import { expand } from './expand.ts';
import { explain } from './explain.ts';
import { legalHold } from './legal-hold.ts';
import { legalHoldRelease } from './legal-hold-release.ts';
import { legalHolds } from './legal-holds.ts';
import { lookup } from './lookup.ts';
import { meta } from './meta.ts';
import { metaAdd } from './meta-add.ts';
import { metaDelete } from './meta-delete.ts';
import type { Operation } from './operation.ts';
import { reindex } from './reindex.ts';
import { reindexStatus } from './reindex-status.ts';
import { snapshot } from './snapshot.ts';
import { subsumes } from './subsumes.ts';
import { translate } from './translate.ts';
import { validate } from './validate.ts';
import { validateCodeSystem } from './validate-code-system.ts';
import { validateCodeValueSet } from './validate-code-value-set.ts';

const terminology = [lookup, validateCodeSystem, subsumes, expand, validateCodeValueSet, translate];

export const serverOperations: readonly Operation[] = [
  meta,
  metaAdd,
  metaDelete,
  validate,
  explain,
  accessReport,
  reindex,
  reindexStatus,
  snapshot,
  auditVerify,
  legalHold,
  legalHoldRelease,
  legalHolds,
  ...terminology,
];
