// Effect: the Task `pricing-missing` ends with what it asks for, by the price of the line or with its draft (contract.md 26, domain.md S1-P3-3).

import type { Invoice, InvoiceLineItem, Task } from '@medplum/fhirtypes';
import type { Change, Content, WriteIntent } from '../../repository/change.ts';
import type { Rule } from '../../repository/module.ts';
import type { Session } from '../../repository/session.ts';
import { openVersions, parseBody, type VersionRow, versionColumns } from '../../repository/stored-version.ts';
import { taskCodeSystem } from './canonicals.ts';
import { isLive } from './invoice-status.ts';
import { localTarget } from './local-target.ts';

type End = 'completed' | 'cancelled';

export const endPricingTasks: Rule<readonly WriteIntent[]> = {
  name: 'pricing-tasks',
  type: 'Invoice',
  async run(changes, session) {
    const ends = new Map<string, End>(
      changes.flatMap((change) => {
        const end = endOf(change);
        return end ? [[`Invoice/${change.id}`, end] as const] : [];
      }),
    );
    if (ends.size === 0) return [];
    const tasks = await readOpenTasks(
      session,
      changes.map(({ id }) => id),
    );
    return tasks.flatMap(({ id = '', focus }) => {
      const status = ends.get(localTarget(focus)?.reference ?? '');
      return status ? [endTask(id, status, session.at.toISOString())] : [];
    });
  },
};

/** Undefined where the draft still wants a price, or never wanted one. */
function endOf({ resource, oldResource }: Change): End | undefined {
  const old = oldResource as Invoice | undefined;
  const next = resource as Invoice | undefined;
  if (old?.status !== 'draft' || !wantsPrice(old)) return undefined;
  if (!next || !isLive(next)) return 'cancelled';
  // Who issues it at nothing has decided that it costs nothing.
  return next.status !== 'draft' || !wantsPrice(next) ? 'completed' : undefined;
}

function wantsPrice({ lineItem = [] }: Invoice): boolean {
  return lineItem.some(isUnpriced);
}

/** As the server writes it where no price fits: nothing, for no reason that a code gives. */
function isUnpriced({ priceComponent = [] }: InvoiceLineItem): boolean {
  return priceComponent.every(({ code, amount }) => code === undefined && (amount?.value ?? 0) === 0);
}

const ended: ReadonlySet<Task['status']> = new Set([
  ...(['completed', 'cancelled', 'failed', 'rejected', 'entered-in-error'] as const),
]);

async function readOpenTasks(session: Session, invoiceIds: readonly string[]): Promise<Task[]> {
  const rows = await session.trx.query<VersionRow>({
    name: 'pricing-tasks-of-invoices',
    text: `SELECT ${versionColumns} FROM resource
           WHERE type = 'Task' AND NOT deleted AND id = ANY(ARRAY(
             SELECT source_id FROM reference
             WHERE target_type = 'Invoice' AND target_id = ANY($1::text[]) AND source_type = 'Task' AND parameter = 'focus'))`,
    values: [invoiceIds],
  });
  const reader = { cipher: session.cipher, objectStore: session.repository.objectStore };
  const tasks = (await openVersions(reader, rows)).map((version) => parseBody(version) as Task);
  return tasks.filter(({ code, status }) => {
    const isPricing = code?.coding?.some(
      ({ system, code: named }) => system === taskCodeSystem && named === 'pricing-missing',
    );
    return isPricing === true && !ended.has(status);
  });
}

function endTask(id: string, status: End, lastModified: string): WriteIntent {
  const apply = (content: Content): Content => ({
    ...content,
    resource: { ...content.resource, status, lastModified } as Task,
  });
  return { action: 'patch', type: 'Task', id, apply };
}
