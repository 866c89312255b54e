// A patient's card: its codes hold the record number and a check digit, nothing about the patient (domain.md S5-23, "ID cards").

import { fhirError } from '../../fhir/outcome.ts';
import { checkDigitOf } from './check-digit.ts';
import type { PatientFacts } from './document-facts.ts';
import { dayText } from './format-values.ts';
import type { PageOptions } from './invoice-page.ts';
import type { Page } from './page.ts';
import { wordsOf } from './words.ts';

export interface CardFacts {
  readonly patient: PatientFacts;
  /** How many cards the patient was given, this one included: older ones do not count any more. */
  readonly serial: number;
}

export function idCardPage({ patient, serial }: CardFacts, options: PageOptions): Page {
  const { letterhead, language, timeZone } = options;
  const words = wordsOf(language);
  const scanned = scannedText(patient);
  return {
    title: words.card,
    language,
    size: 'card',
    barcode: scanned,
    content: [
      {
        columns: [
          {
            stack: [
              { text: letterhead.name, bold: true, fontSize: 9 },
              { text: patient.name, bold: true, fontSize: 11, margin: [0, 6, 0, 0] },
              { text: `${words.born} ${dayText(patient.birthDate, language, timeZone)}` },
              { text: `${words.serial} ${serial}`, color: '#555555' },
            ],
          },
          { qr: scanned, fit: 64, width: 64 },
        ],
      },
      { text: scanned, alignment: 'center', fontSize: 8 },
    ],
  };
}

/** What the codes of the card say. Throws 422 for a patient without a number. */
export function scannedText({ number }: PatientFacts): string {
  if (number === undefined) throw fhirError('business-rule', 'This Patient has no record number to print.');
  return `${number}-${checkDigitOf(number)}`;
}
