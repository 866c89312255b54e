// Whose drawer it is: a float opens the day's one shift of a drawer, a hand-over gives it to the next cashier (domain.md 6, "Cash drawer").

import { fhirError } from '../../fhir/outcome.ts';
import type { Session } from '../../repository/session.ts';
import type { DrawerDay } from './drawer-days.ts';
import { isBoundToDrawer, isSamePerson, personOf } from './rights.ts';

export interface Shift extends DrawerDay {
  /** As `personOf`. */
  readonly holder: string;
}

/** Those that are open or were closed with their day; the caller holds `lockMoney`, as whoever opens one does. */
export async function readShifts({ trx }: Session, days: readonly DrawerDay[]): Promise<Shift[]> {
  if (days.length === 0) return [];
  const rows = await trx.query<{ drawer_id: string; day: string; holder: string }>({
    name: 'drawer-shifts',
    text: `SELECT drawer_id, business_day::text AS day, holder FROM drawer_shift
           WHERE (drawer_id, business_day) IN (SELECT * FROM unnest($1::text[], $2::date[]))`,
    values: [days.map(({ drawerId }) => drawerId), days.map(({ day }) => day)],
  });
  return rows.map(({ drawer_id: drawerId, day, holder }) => ({ drawerId, day, holder }));
}

/** Throws 403 where the drawer is another cashier's for that day; billing moves money in any. */
export async function requireOwnDrawers(session: Session, days: readonly DrawerDay[]): Promise<void> {
  if (!isBoundToDrawer(session.caller)) return;
  const self = personOf(session.caller);
  if ((await readShifts(session, days)).every(({ holder }) => isSamePerson(holder, self))) return;
  throw fhirError(
    'forbidden',
    'This drawer is another cashier’s today: it is handed over first, by a count of its cash.',
    {
      expression: 'PaymentReconciliation.extension',
    },
  );
}

/** Throws 409 where somebody has opened it before. */
export async function openShift(session: Session, { drawerId, day }: DrawerDay): Promise<void> {
  const rows = await session.trx.query({
    name: 'open-drawer-shift',
    text: `INSERT INTO drawer_shift (drawer_id, business_day, holder) VALUES ($1, $2::date, $3)
           ON CONFLICT (tenant_id, drawer_id, business_day) DO NOTHING RETURNING drawer_id`,
    values: [drawerId, day, personOf(session.caller)],
  });
  if (rows.length > 0) return;
  throw conflict(
    'The drawer is open already that day: more cash is a pay-in, another cashier takes it over by a hand-over.',
  );
}

/** Throws 409 where no shift is open, or it is the caller's own. */
export async function takeOver(session: Session, day: DrawerDay): Promise<void> {
  const self = personOf(session.caller);
  const [shift] = await readShifts(session, [day]);
  if (!shift) throw conflict('There is nothing to hand over: a float opens the drawer.');
  if (isSamePerson(shift.holder, self))
    throw conflict('The drawer is yours already: whoever takes it over posts the hand-over.');
  session.trx.execute({
    name: 'hand-drawer-over',
    text: 'UPDATE drawer_shift SET holder = $3 WHERE drawer_id = $1 AND business_day = $2::date',
    values: [day.drawerId, day.day, self],
  });
}

function conflict(diagnostics: string): Error {
  return fhirError('conflict', diagnostics, { expression: 'PaymentReconciliation.extension' });
}
