// A small clinic for random weeks: two practitioners, one room they share, a dozen patients, three drawers, and what has happened so far.

import type { Appointment, Invoice, PaymentReconciliation, Resource } from '@medplum/fhirtypes';
import { buildLocation, buildPatient, buildPractitioner, buildPrice } from '../../support/builders.ts';
import type { Stored } from '../payments/till.ts';
import { type Requester, readAll } from './books.ts';
import { automaticOf, isBilled } from './check-visits.ts';
import { checkWeek } from './check-week.ts';
import { Door } from './door.ts';
import { MoneyModel } from './model.ts';

const patientCount = 12;
const priceOfVisit = 80;
const draftsMs = 60_000;

export interface Visit {
  readonly id: string;
  readonly patient: string;
  readonly practitioner: string;
  readonly isInRoom: boolean;
  slot: number;
  status: 'booked' | 'arrived' | 'checked-in' | 'called' | 'in-progress' | 'fulfilled' | 'cancelled' | 'noshow';
  hasDraft: boolean;
}

export class World {
  /** Whoever reads is as patient as who writes. */
  readonly clinic: Requester;
  readonly door: Door;
  /** Only one client acts, so what it is told can be foreseen. */
  readonly isForeseen: boolean;
  readonly model = new MoneyModel();
  readonly visits: Visit[] = [];
  readonly invoices: Stored<Invoice>[] = [];
  readonly payments: Stored<PaymentReconciliation>[] = [];
  readonly settled = new Set<string>();
  patients: readonly string[] = [];
  practitioners: readonly string[] = [];
  drawers: readonly string[] = [];
  room = '';

  static async open(clinic: Requester, name: string, isForeseen: boolean): Promise<World> {
    const world = new World(clinic, name, isForeseen);
    await world.#furnish();
    return world;
  }

  private constructor(clinic: Requester, name: string, isForeseen: boolean) {
    const door = new Door(clinic, name);
    this.door = door;
    this.clinic = { request: (...request) => door.ask(...request) };
    this.isForeseen = isForeseen;
  }

  async #furnish(): Promise<void> {
    const room = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/location-physical-type', code: 'ro' }] };
    const drawer = (name: string) => buildLocation({ name });
    const made = (...resources: Resource[]) => Promise.all(resources.map((one) => this.create(one)));
    this.patients = await made(...Array.from({ length: patientCount }, () => buildPatient()));
    this.practitioners = await made(buildPractitioner(), buildPractitioner());
    this.drawers = await made(drawer('Front desk'), drawer('Back office'), drawer('Pharmacy'));
    [this.room = ''] = await made(buildLocation({ physicalType: room }), buildPrice(priceOfVisit));
  }

  /** Gives `Type/id`. */
  async create(resource: Resource): Promise<string> {
    const { json } = await this.door.askFor([201], 'POST', `/${resource.resourceType}`, resource);
    return `${json.resourceType}/${json.id}`;
  }

  /** Every fulfilled visit has its draft, or a minute is over: the checker says then what is missing. */
  async waitForDrafts(): Promise<void> {
    for (const end = Date.now() + draftsMs; Date.now() < end; ) {
      const invoices = await readAll<Invoice>(this.clinic, 'Invoice');
      const known = new Set(this.invoices.map(({ id }) => id));
      const drafted = new Map(invoices.map((one) => [automaticOf(one), one]));
      for (const visit of this.visits) {
        const draft = drafted.get(visit.id);
        if (!draft) continue;
        visit.hasDraft = true;
        if (known.has(draft.id)) continue;
        this.invoices.push(draft);
        known.add(draft.id);
        this.model.draft(draft.id, visit.patient, Math.round((draft.totalGross?.value ?? 0) * 100));
      }
      const fulfilled = (await readAll<Appointment>(this.clinic, 'Appointment')).filter(isBilled);
      if (fulfilled.every(({ id }) => drafted.has(id))) return;
    }
  }

  /** Undefined where all is right. */
  async difference(): Promise<string | undefined> {
    await this.waitForDrafts();
    return (await checkWeek(this.clinic)) ?? (this.isForeseen ? await this.#unforeseen() : undefined);
  }

  /** Where the clinic's money is not what the model says. */
  async #unforeseen(): Promise<string | undefined> {
    const invoices = await readAll<Invoice>(this.clinic, 'Invoice');
    for (const invoice of invoices) {
      const expected = this.model.invoices.get(invoice.id);
      if (!expected || this.model.isVague(expected.patient)) continue;
      const said = invoice.extension?.find(({ url }) => url.endsWith('/outstanding'))?.valueMoney?.value;
      const cents = expected.status === 'issued' ? Math.round((said ?? Number.NaN) * 100) : 0;
      const status = invoice.status === 'balanced' ? 'issued' : invoice.status;
      if (cents !== expected.outstanding || status !== expected.status) {
        return `model: Invoice/${invoice.id} is ${invoice.status} ${cents} and not ${JSON.stringify(expected)}`;
      }
    }
    return undefined;
  }
}

export function pick<T>(list: readonly T[], index: number): T | undefined {
  return list[index % Math.max(1, list.length)];
}
