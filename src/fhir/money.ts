// Money as integers of its currency's smallest unit, to and from FHIR: https://hl7.org/fhir/R4/datatypes.html#Money

import type { Money } from '@medplum/fhirtypes';
import { powerOfTen, readDecimal } from './decimal.ts';

/** An ISO 4217 code. */
export type Currency = NonNullable<Money['currency']>;

/**
 * Currencies by the number of decimals of their smallest unit (ISO 4217, "minor unit"). Metals, funds of the IMF and test
 * codes have none and cannot be charged in.
 */
const currenciesByDecimals: readonly (readonly [decimals: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [
    2,
    `AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
     CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR
     ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR
     MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN
     SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD YER ZAR ZMW ZWG`,
  ],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF UYW'],
];

const decimalsByCurrency: ReadonlyMap<string, number> = new Map(
  currenciesByDecimals.flatMap(([decimals, codes]) => codes.split(/\s+/).map((code) => [code, decimals] as const)),
);

export function isCurrency(code: string): code is Currency {
  return decimalsByCurrency.has(code);
}

/** Beyond 15 digits a JSON number is no longer what was written. */
export function isExact(amountMinor: bigint): boolean {
  const limit = powerOfTen(15);
  return amountMinor < limit && amountMinor > -limit;
}

/** FHIR asks for 18 digits of precision, and PostgreSQL's bigint has them: what amounts sum to. */
export function isKeepable(amountMinor: bigint): boolean {
  const limit = powerOfTen(18);
  return amountMinor < limit && amountMinor > -limit;
}

/**
 * More is no amount that a clinic charges or takes at once, in any currency, but a slip of the hand. A hundred such amounts have
 * not more digits than a JSON number holds, a hundred thousand not more than a balance.
 */
const amountDigitsMax = 13;

export function isPlausible(amountMinor: bigint): boolean {
  const limit = powerOfTen(amountDigitsMax);
  return amountMinor < limit && amountMinor > -limit;
}

/** `99999999999.99` */
export function largestAmount(currency: Currency): string {
  return formatAmount(powerOfTen(amountDigitsMax) - 1n, currency);
}

/** The amount in smallest units; undefined when it has more decimals than the currency, or more than 15 digits. */
export function readAmount(written: string | number, currency: Currency): bigint | undefined {
  const decimal = readDecimal(written);
  const decimals = decimalsOf(currency);
  if (!decimal || decimal.scale > decimals) return undefined;
  const amount = decimal.digits * powerOfTen(decimals - decimal.scale);
  return isExact(amount) ? amount : undefined;
}

/** The amount with all decimals of its currency: `100.00`. */
export function formatAmount(amountMinor: bigint, currency: Currency): string {
  const decimals = decimalsOf(currency);
  const digits = String(amountMinor < 0n ? -amountMinor : amountMinor).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const sign = amountMinor < 0n ? '-' : '';
  return decimals === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-decimals)}`;
}

export function toMoney(amountMinor: bigint, currency: Currency): Money {
  if (!isExact(amountMinor)) throw new RangeError('The amount has more than 15 digits.');
  return { value: Number(formatAmount(amountMinor, currency)), currency };
}

/** For `serializeJson`: the amounts of a resource made by the server, by JSON Pointer, with all their decimals. */
export function exactAmounts(resource: object): Map<string, string> {
  const exact = new Map<string, string>();
  const walk = (node: object, pointer: string): void => {
    const { value, currency } = node as Money;
    if (typeof value === 'number' && currency !== undefined && isCurrency(currency)) {
      const amountMinor = readAmount(value, currency);
      const text = amountMinor === undefined ? String(value) : formatAmount(amountMinor, currency);
      if (text !== String(value)) exact.set(`${pointer}/value`, text);
    }
    for (const [key, child] of Object.entries(node)) {
      if (typeof child === 'object' && child !== null) walk(child, `${pointer}/${key}`);
    }
  };
  walk(resource, '');
  return exact;
}

function decimalsOf(currency: Currency): number {
  const decimals = decimalsByCurrency.get(currency);
  if (decimals === undefined) throw new RangeError('The currency has no smallest unit.');
  return decimals;
}
