// The checker finds what is broken on purpose, each kind by its letter: otherwise its silence after a fault would prove nothing.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Invoice } from '@medplum/fhirtypes';
import { FaultBed, waitFor } from './bed.ts';
import { findProblems } from './checker.ts';
import { type Intent, Load } from './load.ts';

describe('the checker', () => {
  let bed: FaultBed;
  let load: Load;
  beforeAll(async () => {
    bed = await FaultBed.open();
    await bed.start({ does: { api: true, jobs: false } });
    const worker = await bed.start({ does: { api: false, jobs: true } });
    load = await Load.open(bed, 4_711);
    load.start(4);
    await waitFor('traffic', () => ['patient', 'visit', 'fulfil', 'bundle'].every((what) => done(what).length >= 3));
    await load.stop();
    expect(await findProblems(bed, load.intents)).toEqual([]);
    await worker.close();
  });
  afterAll(() => bed.close());

  const done = (what: string) =>
    load.intents.filter((intent) => intent.what === what && (intent.answer?.status ?? 500) < 300);
  const idOf = (intent: Intent | undefined): string => intent!.answer!.json.id;
  const letters = async (intents: readonly Intent[] = load.intents) =>
    [...new Set((await findProblems(bed, intents, { drainMs: 100 })).map((problem) => problem[0]))].sort().join('');

  /** The row is away while the checker looks. */
  async function without(table: string, column: string, id: string): Promise<string> {
    await bed.sql(`CREATE TABLE public.kept AS SELECT * FROM store.${table} WHERE ${column} = '${id}'`);
    await bed.sql(`DELETE FROM store.${table} WHERE ${column} = '${id}'`);
    const found = await letters();
    // What the database reckons for itself cannot be put back.
    await bed.sql(`DO $do$ BEGIN EXECUTE (
      SELECT format('INSERT INTO store.${table} (%1$s) SELECT %1$s FROM public.kept', string_agg(attname, ', '))
      FROM pg_attribute WHERE attrelid = 'store.${table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '');
    END $do$; DROP TABLE public.kept`);
    return found;
  }

  test('a, b, e: an acknowledged resource is gone', async () => {
    expect(await without('resource', 'id', idOf(done('patient')[0]))).toBe('abe');
  });

  test('a: a version is not what was acknowledged', async () => {
    const [intent, other] = done('patient');
    const mistaken = { ...intent!, answer: { ...intent!.answer!, json: { ...other!.answer!.json, id: idOf(intent) } } };
    expect(await letters([mistaken])).toBe('a');
  });

  test('b: half of a bundle is there, and nobody has acknowledged it', async () => {
    const { answer: _, ...rest } = done('bundle')[0]!;
    expect(await letters([{ ...rest, size: rest.size + 1 }])).toBe('b');
  });

  test('d, e: an Invoice is missing', async () => {
    const [invoice] = await bed.a.all<Invoice>('Invoice');
    expect(await without('resource', 'id', invoice!.id)).toBe('de');
  });

  test('f: an event is not done', async () => {
    await bed.sql("UPDATE store.outbox SET status = 'pending'");
    expect(await letters()).toBe('f');
    await bed.sql("UPDATE store.outbox SET status = 'done'");
  });

  test('g: an Appointment does not hold its time', async () => {
    expect(await without('booking', 'appointment_id', idOf(done('visit')[0]))).toBe('g');
  });

  test('h: a row stands in another tenant', async () => {
    const intent = done('patient').find(({ client }) => client === bed.a)!;
    await bed.sql(
      'INSERT INTO store.history SELECT $2, type, id, version_id, last_updated, deleted, content, object_id, tx FROM store.resource WHERE id = $1',
      [idOf(intent), bed.b.tenantId],
    );
    expect(await letters()).toBe('eh');
  });

  test('d: an Appointment has two Invoices', async () => {
    const [invoice] = await bed.a.all<Invoice>('Invoice');
    const { id: _, ...copy } = invoice!;
    await bed.sql('DELETE FROM store.auto_invoice WHERE invoice_id = $1', [invoice!.id]);
    await bed.sql('DELETE FROM store.invoice_charge WHERE invoice_id = $1', [invoice!.id]);
    await bed.a.create(copy as Invoice);
    expect(await findProblems(bed, load.intents)).toContainEqual(expect.stringMatching(/^d: Invoices twice: 1/));
  });
});
