// All columns under a tenant's data key but the bodies of resources, which a rotation of that key seals again (README, Keys). AuditEvents,
// earlier versions and the trail before them are written once.

import type { SealedColumn } from './crypto/sealed-column.ts';
import { requestColumns } from './http/async/background-request.ts';
import { answerColumn } from './http/idempotency.ts';
import { accountColumns } from './people/accounts.ts';
import { clientColumns } from './people/clients.ts';
import { identityColumn } from './people/identities.ts';
import { providerColumn } from './people/identity-providers.ts';
import { secretColumn } from './people/second-factor/second-factors.ts';
import { reasonColumn } from './repository/legal-holds/hold-rows.ts';
import { definitionColumn } from './repository/own-parameters/parameter-rows.ts';
import { sessionColumn } from './smart/login-sessions.ts';
import { recordColumn } from './smart/record-column.ts';
import { signingKeyColumn } from './tenants/signing-key.ts';

export const sealedColumns: readonly SealedColumn[] = [
  ...accountColumns,
  secretColumn,
  ...clientColumns,
  identityColumn,
  providerColumn,
  signingKeyColumn,
  sessionColumn,
  recordColumn,
  definitionColumn,
  reasonColumn,
  ...requestColumns,
  answerColumn,
];
