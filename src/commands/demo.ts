// `npm run demo [-- --data DIR]`: the main job of HPMS over HTTP, from bundles to a settled day, each step with its time.

import path from 'node:path';
import { parseArgs } from 'node:util';
import { DemoFailure } from './demo/demo-failure.ts';
import { FhirClient } from './demo/fhir-client.ts';
import { importBundles } from './demo/import-bundles.ts';
import { awaitReceipt, issueInvoice, openTill, payCash, settleDay, showTrialBalance } from './demo/money.ts';
import { readBack } from './demo/read-back.ts';
import { Report } from './demo/report.ts';
import { openServer } from './demo/server.ts';
import { awaitAudit, showAudit } from './demo/show-audit.ts';
import { showInvoice } from './demo/show-invoice.ts';
import { awaitInvoice, bookAppointment, moveTo, registerPatient } from './demo/visit.ts';

const ownBundles = path.join(import.meta.dirname, '..', '..', 'seeds', 'bundles');

try {
  const folder = readFolder(process.argv.slice(2));
  await withServer(new Report(process.stdout), folder);
} catch (error) {
  console.error(error instanceof DemoFailure ? `\nThe demo failed. ${error.message}` : error);
  process.exitCode = 1;
}

function readFolder(args: readonly string[]): string {
  try {
    const { values } = parseArgs({ args: [...args], options: { data: { type: 'string' } } });
    return values.data === undefined ? ownBundles : path.resolve(values.data);
  } catch (error) {
    throw new DemoFailure(`${(error as Error).message}. Use: npm run demo [-- --data DIR]`);
  }
}

async function withServer(report: Report, folder: string): Promise<void> {
  const server = await openServer((note) => report.line(note));
  const client = new FhirClient(server.connection);
  try {
    report.heading(`HPMS demo on ${server.connection.fhirBaseUrl}${server.isOwn ? ', started for this run' : ''}`);
    await runDemo(client, folder, report);
  } finally {
    await client.close();
    await server.stop();
  }
  report.line('\nNothing is missing and nothing differs.');
}

async function runDemo(client: FhirClient, folder: string, report: Report): Promise<void> {
  await report.step('token', async () => {
    const { expiresInSeconds } = await client.authorize();
    return { value: undefined, detail: `client_credentials, valid for ${expiresInSeconds} s` };
  });
  const imported = await report.step('import', () => importBundles(client, folder, report));
  await report.step('read back', () => readBack(client, imported, report));
  const patient = await report.step('patient', () => registerPatient(client));
  const booked = await report.step('booked', () => bookAppointment(client, patient));
  const arrived = await report.step('arrived', () => moveTo(client, booked, 'arrived'));
  const checkedIn = await report.step('checked-in', () => moveTo(client, arrived, 'checked-in'));
  const fulfilled = await report.step('fulfilled', () => moveTo(client, checkedIn, 'fulfilled'));
  const invoice = await report.step('invoice', () => awaitInvoice(client, fulfilled));
  const issued = await report.step('issued', () => issueInvoice(client, invoice));
  const till = await report.step('till', () => openTill(client));
  const payment = await report.step('paid', () => payCash(client, issued, till));
  await report.step('receipt', () => awaitReceipt(client, issued));
  await report.step('settled', () => settleDay(client, payment, till));
  const appointment = `Appointment/${fulfilled.appointment.id}`;
  const events = await report.step('audit', () => awaitAudit(client, appointment));
  await showInvoice(client, invoice, patient, report);
  showAudit(events, appointment, report);
  await showTrialBalance(client, report);
}
