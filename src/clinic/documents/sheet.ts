// What all letters to patients have in common: the clinic's head, the patient's address, a table of amounts.

import type { Letterhead, PatientFacts } from './document-facts.ts';
import type { Block, Page } from './page.ts';
import { wordsOf } from './words.ts';

export interface Sheet {
  readonly letterhead: Letterhead;
  readonly language: string;
  readonly patient: PatientFacts | undefined;
  readonly title: string;
  /** Of the document; empty = it has none. */
  readonly number: string;
  /** Printed beside the address, before the patient's number: number, dates. */
  readonly facts: readonly Fact[];
  /** It was printed before. */
  readonly isDuplicate: boolean;
  readonly content: readonly Block[];
}

type Fact = readonly [label: string, value: string];

/** A letter on A4: the clinic's head, what it is about, its content, and at the foot of each page what it belongs to. */
export function sheetPage(sheet: Sheet): Page {
  const { letterhead, language, patient, title, number, facts, isDuplicate, content } = sheet;
  const words = wordsOf(language);
  const name = `${title} ${number}`.trim();
  const ofPatient: Fact = [words.patient, patient?.number ?? ''];
  return {
    title: name,
    language,
    size: 'A4',
    foot: `${letterhead.name} · ${name}`,
    ...(isDuplicate && { watermark: words.duplicate }),
    content: [...headOf({ letterhead, patient, title, facts: [...facts, ofPatient] }), ...content],
  };
}

type Head = Pick<Sheet, 'letterhead' | 'patient' | 'title' | 'facts'>;

function headOf({ letterhead, patient, title, facts }: Head): Block[] {
  const { name, lines, logo } = letterhead;
  return [
    {
      columns: [
        logo === undefined ? { text: '', width: 120 } : { image: logo, fit: [120, 60], width: 120 },
        { stack: [{ text: name, bold: true, fontSize: 12 }, ...lines.map((text) => ({ text }))], alignment: 'right' },
      ],
      margin: [0, 0, 0, 36],
    },
    {
      columns: [
        { stack: patient ? [{ text: patient.name }, ...patient.lines.map((text) => ({ text }))] : [] },
        {
          width: 'auto',
          layout: 'noBorders',
          table: {
            body: facts
              .filter(([, value]) => value !== '')
              .map(([label, value]): Block[] => [{ text: label, color: '#555555' }, { text: value }]),
          },
        },
      ],
      margin: [0, 0, 0, 24],
    },
    { text: title, fontSize: 16, bold: true, margin: [0, 0, 0, 12] },
  ];
}

/** The last columns are amounts. */
export function tableOf(heads: readonly string[], rows: readonly (readonly string[])[], amountsFrom: number): Block {
  const aligned = (texts: readonly string[], bold: boolean): Block[] =>
    texts.map((text, index) => ({ text, bold, alignment: index < amountsFrom ? 'left' : 'right' }));
  return {
    layout: 'lightHorizontalLines',
    table: {
      headerRows: 1,
      widths: heads.map((_, index) => (index === 0 ? '*' : 'auto')),
      body: [aligned(heads, true), ...rows.map((row) => aligned(row, false))],
    },
    margin: [0, 0, 0, 12],
  };
}

/** Sums below a table, the last of them stands out. */
export function sumsOf(sums: readonly (readonly [label: string, value: string])[]): Block {
  return {
    columns: [
      { text: '' },
      {
        width: 'auto',
        layout: 'noBorders',
        table: {
          body: sums.map(([label, value], index): Block[] => {
            const bold = index === sums.length - 1;
            return [
              { text: label, bold },
              { text: value, bold, alignment: 'right' },
            ];
          }),
        },
      },
    ],
  };
}
