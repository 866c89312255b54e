// Writes what a clinic begins its work with, in the session's transaction: settings, ledger accounts, templates, number series (domain.md, `$provision-tenant`).

import type { Resource } from '@medplum/fhirtypes';
import { newId } from '../../fhir/ids.ts';
import { type Currency, exactAmounts } from '../../fhir/money.ts';
import { listNumberSeries, putNumberSeries } from '../../people/number-series.ts';
import type { Session } from '../../repository/session.ts';
import { write } from '../../repository/write.ts';
import { writeSetting } from '../settings.ts';
import { chartOfAccounts } from './chart-of-accounts.ts';
import { messageTemplates } from './message-templates.ts';
import { clinicOrganization, type OrganizationFacts } from './organization.ts';
import { priceTemplates } from './price-templates.ts';

export interface Furnishing {
  /** Absent where the clinic brings its own. */
  readonly organization?: OrganizationFacts;
  readonly currency: Currency;
  readonly timezone: string;
}

export interface Furnished {
  /** `Organization/x`. */
  readonly organization?: string;
}

export async function furnish(session: Session, furnishing: Furnishing): Promise<Furnished> {
  const { organization, currency, timezone } = furnishing;
  writeSetting(session.trx, 'currency', currency);
  writeSetting(session.trx, 'timezone', timezone);
  await startNumberSeries(session);
  const nextId = () => newId(session.at.getTime());
  const organizationId = organization && nextId();
  const reference = organizationId && `Organization/${organizationId}`;
  const resources: Resource[] = [
    ...(organization && organizationId ? [clinicOrganization(organizationId, organization, timezone)] : []),
    ...chartOfAccounts(nextId, reference),
    ...priceTemplates(nextId, currency),
    ...messageTemplates(nextId),
  ];
  await write(session, resources.map(toIntent));
  return reference === undefined ? {} : { organization: reference };
}

function toIntent(resource: Resource) {
  const exactNumbers = exactAmounts(resource);
  return { action: 'create', id: resource.id as string, resource, exactNumbers } as const;
}

/** As they are by default; from here on each number locks its row. */
async function startNumberSeries({ trx }: Session): Promise<void> {
  for (const { code, pattern } of await listNumberSeries(trx)) await putNumberSeries(trx, code, { pattern });
}
