// A payment that is told twice is one payment: its identifiers, such as a gateway's, belong to it for ever (contract.md 37).

import type { Identifier } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';

export interface IdentifierClaim {
  readonly paymentId: string;
  readonly identifiers: readonly Identifier[];
  readonly writeIndex: number;
}

/** Throws 409 where another payment has one of them; two at once wait for each other. */
export async function claimIdentifiers(session: Session, claims: readonly IdentifierClaim[]): Promise<void> {
  const claimed = claims.flatMap((claim) => tokensOf(session, claim).map((token) => ({ token, claim })));
  if (claimed.length === 0) return;
  const among = new Map<bigint, string>();
  for (const { token, claim } of claimed) {
    if ((among.get(token) ?? claim.paymentId) !== claim.paymentId) throw taken(claim);
    among.set(token, claim.paymentId);
  }
  const owners = await ownersOf(session, among);
  for (const { token, claim } of claimed) if (owners.get(String(token)) !== claim.paymentId) throw taken(claim);
}

/** The tokens of identifiers that say both whose they are and which. */
function tokensOf({ cipher }: Session, { identifiers }: IdentifierClaim): bigint[] {
  return identifiers.flatMap(({ system, value }) =>
    system === undefined || value === undefined
      ? []
      : [cipher.fixedTokenOf(`payment ${JSON.stringify([system, value])}`)],
  );
}

async function ownersOf({ trx }: Session, wanted: ReadonlyMap<bigint, string>): Promise<Map<string, string>> {
  const tokens = [...wanted.keys()].map(String);
  trx.execute({
    name: 'claim-payment-identifiers',
    text: `INSERT INTO payment_identifier (token, payment_id) SELECT * FROM unnest($1::bigint[], $2::text[])
           ON CONFLICT (tenant_id, token) DO NOTHING`,
    values: [tokens, [...wanted.values()]],
  });
  const rows = await trx.query<{ token: string; payment_id: string }>({
    name: 'payment-identifier-owners',
    text: 'SELECT token::text, payment_id FROM payment_identifier WHERE token = ANY($1::bigint[])',
    values: [tokens],
  });
  return new Map(rows.map((row) => [row.token, row.payment_id]));
}

function taken({ writeIndex }: IdentifierClaim): Error {
  return fhirError('conflict', 'Another payment has this identifier: it was posted before.', {
    expression: 'PaymentReconciliation.identifier',
    writeIndex,
  });
}
