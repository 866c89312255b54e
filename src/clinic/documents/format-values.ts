// Amounts, days and numbers as people of a language write them: https://tc39.es/ecma402/

import type { Money } from '@medplum/fhirtypes';
import { formatAmount, isCurrency, readAmount } from '../../fhir/money.ts';

/** The digits are those of the amount itself; nothing is rounded. */
export function moneyText({ value, currency }: Money, language: string): string {
  if (value === undefined || currency === undefined || !isCurrency(currency)) return '';
  const amountMinor = readAmount(value, currency);
  if (amountMinor === undefined) return `${value} ${currency}`;
  const text = formatAmount(amountMinor, currency) as Intl.StringNumericLiteral;
  const decimals = text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
  return new Intl.NumberFormat(language, {
    style: 'currency',
    currency,
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  }).format(text);
}

/** The day of a date or an instant in the clinic's zone; a part of a date stays as it is. */
export function dayText(text: string | undefined, language: string, timeZone: string): string {
  if (text === undefined) return '';
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return text;
  const isDay = text.length === 10;
  return new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: isDay ? 'UTC' : timeZone }).format(
    new Date(text),
  );
}

export function percentText(factor: number, language: string): string {
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 4 }).format(factor);
}
