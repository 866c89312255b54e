// What a clinic may set for its workflows: appointments, fees, money (contract.md 3, 5, 19, 44, 49).

import { type Currency, isCurrency } from '../fhir/money.ts';
import { isZoneName } from '../fhir/time-zone.ts';
import { isBoolean, type SettingRule } from './setting-rule.ts';

export interface WorkflowSettings {
  /** ISO 4217, the base currency. */
  readonly currency: Currency;
  /** IANA zone of the clinic's business days. */
  readonly timezone: string;
  /** BCP 47, of documents made for patients. */
  readonly language: string;
  /** `Binary/x`, printed on documents. */
  readonly logo: string | null;
  /** An Appointment may not jump from `booked` to `fulfilled`. */
  readonly 'appointment.strict-transitions': boolean;
  /** How long a hold keeps its time, in seconds. */
  readonly 'appointment.hold-seconds': number;
  /** An Appointment cannot become `arrived` earlier than so many hours before its start; null = any time. */
  readonly 'appointment.earliest-arrival-hours': number | null;
  /** A practitioner may have several Encounters in progress. */
  readonly 'encounter.overlap-allowed': boolean;
  /** A booked Appointment whose start is so many minutes ago becomes `noshow` by itself; null = never. */
  readonly 'appointment.noshow-after-minutes': number | null;
  /** How often an Appointment may be given another time; null = as often as wanted. */
  readonly 'appointment.reschedules-max': number | null;
  /** How long a freed time is kept for the one on the waiting list it is offered to, in seconds. */
  readonly 'waitlist.offer-seconds': number;
  /** A new patient of a token of staff is compared with those there are. */
  readonly 'patients.check-duplicates': boolean;
  /** From which no-show of a patient on a fee is charged, and how much, in the base currency; null = none. */
  readonly 'fees.no-show': FeePolicy | null;
  /** Cancelled by the patient's side later than so many hours before the start. */
  readonly 'fees.late-cancel': (FeePolicy & { readonly noticeHours: number }) | null;
  readonly 'ledger.basis': 'cash' | 'accrual';
  /** Of an amount that lies half-way: to the larger, or to the even last digit. */
  readonly 'money.rounding': 'half-up' | 'half-even';
  /** After the date of issue. */
  readonly 'invoices.due-days': number;
  /** Above it a settlement's variance needs an approver; in the base currency. */
  readonly 'settlement.variance-limit': number;
  /** What a cashier may refund without a billing manager; in the base currency. */
  readonly 'payments.refund-limit': number;
  /** Above it a refund waits for a second person; null = none does. */
  readonly 'payments.dual-approval': number | null;
  /** By role, the largest discount in percent of the base amounts it may give; roles that are not named have none. */
  readonly 'discounts.limits': Readonly<Record<string, number>>;
}

/** The event that a clinic has changed a setting; its `resourceId` is the key. */
export const settingChangedTopic = 'setting.changed';

export interface FeePolicy {
  readonly amount: number;
  /** 1 = the first. */
  readonly fromCount: number;
}

const flag = (byDefault: boolean): SettingRule => ({ byDefault, allowed: 'true or false', accepts: isBoolean });

const whole = (byDefault: number, min: number, max: number): SettingRule => ({
  byDefault,
  allowed: `a whole number from ${min} to ${max}`,
  accepts: (value) => isWhole(value, min, max),
});

const wholeOrNull = (min: number, max: number): SettingRule => ({
  byDefault: null,
  allowed: `null or a whole number from ${min} to ${max}`,
  accepts: (value) => value === null || isWhole(value, min, max),
});

export const workflowSettings: Readonly<Record<keyof WorkflowSettings, SettingRule>> = {
  currency: {
    byDefault: 'USD',
    allowed: 'a currency code of ISO 4217',
    accepts: (value) => typeof value === 'string' && isCurrency(value),
  },
  timezone: { byDefault: 'UTC', allowed: 'a time zone name of IANA', accepts: isTimezone },
  language: { byDefault: 'en', allowed: 'a language tag such as en or de-AT', accepts: isLanguage },
  logo: {
    byDefault: null,
    allowed: 'null or a reference such as Binary/logo',
    accepts: (value) => value === null || (typeof value === 'string' && /^Binary\/[A-Za-z0-9.-]{1,64}$/.test(value)),
  },
  'appointment.strict-transitions': flag(false),
  'appointment.hold-seconds': whole(600, 1, 86_400),
  'appointment.earliest-arrival-hours': wholeOrNull(0, 8_760),
  'encounter.overlap-allowed': flag(false),
  'appointment.noshow-after-minutes': wholeOrNull(0, 10_080),
  'appointment.reschedules-max': wholeOrNull(0, 1_000),
  'waitlist.offer-seconds': whole(3_600, 60, 604_800),
  'patients.check-duplicates': flag(true),
  'fees.no-show': {
    byDefault: null,
    allowed: 'null or {amount, fromCount}',
    accepts: isFeeOrNull(['amount', 'fromCount']),
  },
  'fees.late-cancel': {
    byDefault: null,
    allowed: 'null or {amount, fromCount, noticeHours}',
    accepts: isFeeOrNull(['amount', 'fromCount', 'noticeHours']),
  },
  'ledger.basis': {
    byDefault: 'cash',
    allowed: 'cash or accrual',
    accepts: (value) => value === 'cash' || value === 'accrual',
  },
  'money.rounding': {
    byDefault: 'half-up',
    allowed: 'half-up or half-even',
    accepts: (value) => value === 'half-up' || value === 'half-even',
  },
  'invoices.due-days': whole(30, 0, 3_650),
  'settlement.variance-limit': { byDefault: 20, allowed: 'an amount', accepts: isAmount },
  'payments.refund-limit': { byDefault: 100, allowed: 'an amount', accepts: isAmount },
  'payments.dual-approval': {
    byDefault: null,
    allowed: 'null or an amount',
    accepts: (value) => value === null || isAmount(value),
  },
  'discounts.limits': {
    byDefault: { cashier: 10, 'front-desk': 0, 'billing-staff': 20, 'billing-manager': 50, 'clinic-admin': 100 },
    allowed: 'an object of role slugs, each with a percentage from 0 to 100',
    accepts: isLimits,
  },
};

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
}

/** No currency has more than four decimals; more would be no amount. */
function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1e12 && /^\d+(\.\d{1,4})?$/.test(String(value));
}

function isFeeOrNull(members: readonly string[]): (value: unknown) => boolean {
  return (value) => {
    if (value === null) return true;
    if (typeof value !== 'object') return false;
    const { amount, ...counts } = value as Record<string, unknown>;
    const isComplete = Object.keys(value).sort().join() === [...members].sort().join();
    return isComplete && isAmount(amount) && Object.values(counts).every((count) => isWhole(count, 0, 8_760));
  };
}

function isLimits(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const limits = Object.entries(value);
  return limits.length <= 100 && limits.every(([slug, limit]) => isSlug(slug) && isPercentage(limit));
}

function isSlug(value: string): boolean {
  return /^[a-z0-9-]{1,64}$/.test(value);
}

function isPercentage(value: unknown): boolean {
  return isAmount(value) && Number(value) <= 100;
}

function isLanguage(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > 35) return false;
  try {
    return Intl.getCanonicalLocales(value)[0] === value;
  } catch {
    return false;
  }
}

/** An offset is no zone: it knows no summer time. */
function isTimezone(value: unknown): boolean {
  return typeof value === 'string' && isZoneName(value);
}
