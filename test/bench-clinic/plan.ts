// What is in the clinic at each stage, by number: every resource and its id follow from its number alone, so nothing is remembered.

export const kinds = ['Practitioner', 'Patient', 'Appointment', 'Observation', 'Invoice'] as const;
export type Kind = (typeof kinds)[number];

/** How many of each there are. */
export type Counts = Readonly<Record<Kind, number>>;

export const practitioners = 50;
export const appointmentsPerDay = 2_000;
const appointmentsEach = appointmentsPerDay / practitioners;
const whole = { patients: 100_000, days: 1_825 };
const observationsPerPatient = 10;
const invoicesPerPatient = 5;
export const dayMs = 86_400_000;
const minuteMs = 60_000;
/** The first of five years. */
export const firstDay = Date.UTC(2022, 0, 1);

/** 1 is the whole clinic. Days stay as full as they are, there are only fewer of them: a page holds as much at any scale. */
export function countsAt(scale: number): Counts {
  const patients = Math.max(Math.round(whole.patients * scale), 20);
  const days = Math.max(Math.round(whole.days * scale), 1);
  return countsOf(patients, days * appointmentsPerDay);
}

/** Of a tenant that only shares the tables. */
export const smallTenant: Counts = countsOf(40, 200);

function countsOf(patients: number, appointments: number): Counts {
  return {
    Practitioner: practitioners,
    Patient: patients,
    Appointment: appointments,
    Observation: patients * observationsPerPatient,
    Invoice: patients * invoicesPerPatient,
  };
}

export function totalOf(counts: Counts): number {
  return kinds.reduce((sum, kind) => sum + counts[kind], 0);
}

/** In the form of those the server makes (UUIDv7), in the order of the numbers. */
export function idOf(kind: Kind, n: number): string {
  const time = (firstDay + n).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8${kinds.indexOf(kind)}00-${n.toString(16).padStart(12, '0')}`;
}

export const referenceTo = (kind: Kind, n: number) => `${kind}/${idOf(kind, n)}`;

export interface Visit {
  readonly patient: number;
  readonly practitioner: number;
  readonly start: Date;
}

export const visitMinutes = 15;

/** `patients` are those there were when the appointment was loaded. */
export function visitOf(n: number, patients: number): Visit {
  const place = n % appointmentsPerDay;
  const atMs = firstDay + Math.floor(n / appointmentsPerDay) * dayMs;
  const slot = Math.floor(place / practitioners);
  return {
    patient: (n * 7_919) % patients,
    practitioner: place % practitioners,
    start: new Date(atMs + (8 * 60 + (slot % appointmentsEach) * visitMinutes) * minuteMs),
  };
}

export const dayTextOf = (day: number) => new Date(firstDay + day * dayMs).toISOString().slice(0, 10);
export const patientOfObservation = (n: number) => Math.floor(n / observationsPerPatient);
export const patientOfInvoice = (n: number) => Math.floor(n / invoicesPerPatient);
/** One of the five of each patient. */
export const isOpenInvoice = (n: number) => n % invoicesPerPatient === 0;

/** When it was last updated: each a moment of its own, in the order of the numbers. */
export function storedAt(n: number): Date {
  return new Date(firstDay + n * 1_000);
}
