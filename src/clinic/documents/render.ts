// `$render`: an Invoice, a payment or a Patient as a printed document, in a Binary (domain.md section 4).

import type { Binary, Invoice, Patient, PaymentReconciliation } from '@medplum/fhirtypes';
import { fhirError } from '../../fhir/outcome.ts';
import type { Operation, OperationCall } from '../../operations/operation.ts';
import { recordOperation } from '../../operations/record-operation.ts';
import { read } from '../../repository/read.ts';
import type { Session } from '../../repository/session.ts';
import { parseBody } from '../../repository/stored-version.ts';
import type { WorkflowSettings } from '../../tenants/workflow-settings.ts';
import type { SettingsOf } from '../clinic-settings.ts';
import { patientFacts, readLetterhead, readPatient } from './document-facts.ts';
import { idCardPage, scannedText } from './id-card-page.ts';
import { invoicePage, type PageOptions } from './invoice-page.ts';
import { keepCard } from './keep-card.ts';
import { chargeTexts, readAllocated } from './named-resources.ts';
import type { PrintJob } from './page.ts';
import type { Print } from './print.ts';
import { countPrint } from './printed.ts';
import { receiptPage } from './receipt-page.ts';

export interface RenderOptions {
  readonly settingsOf: SettingsOf;
  readonly print: Print;
}

type Format = 'pdf' | 'png';

/** By type, the templates; the first is what is printed without one being named. */
const templates = {
  Invoice: ['invoice'],
  PaymentReconciliation: ['receipt'],
  Patient: ['id-card'],
} as const;

const mediaTypes: Readonly<Record<Format, string>> = { pdf: 'application/pdf', png: 'image/png' };

export function createRender({ settingsOf, print }: RenderOptions): Operation {
  return {
    code: 'render',
    definition: {
      id: 'Resource-render',
      url: 'https://hpms.example/fhir/OperationDefinition/Resource-render',
      name: 'Render',
      title: 'Render as a document',
      description:
        'Gives the resource as a document for people: an Invoice or credit note, the receipt of a payment, or the card of a Patient. Each call is recorded; a repeated one is marked as a duplicate. A card is kept as a DocumentReference, and voids the one before.',
    },
    levels: ['instance'],
    resourceTypes: Object.keys(templates),
    affectsState: false,
    keepsRecords: true,
    permission: 'r',
    parameters: [
      input('template', 'code', 'Which document; by default the only one of the type: invoice, receipt or id-card.'),
      input('format', 'code', 'pdf, which is the default, or for an id-card png: the image of its code alone.'),
      input('locale', 'code', 'A language of BCP 47 such as de-AT; by default that of the clinic.'),
      {
        name: 'return',
        use: 'out',
        min: 1,
        max: 1,
        type: 'Binary',
        documentation: 'The document; also as it is, where Accept asks for its media type.',
      },
    ],
    async run(session, call) {
      const format = formatOf(call);
      const settings = await settingsOf(session.trx);
      const job = await jobOf(session, call, { settings, format });
      const bytes = await print(job);
      const { serial } = job;
      const id = serial === undefined ? undefined : await keepCard(session, { patientId: call.id, serial, bytes });
      const binary: Binary = {
        resourceType: 'Binary',
        ...(id !== undefined && { id }),
        contentType: mediaTypes[format],
        data: bytes.toString('base64'),
      };
      return { resource: binary };
    },
  };
}

function input(name: string, type: string, documentation: string) {
  return { name, use: 'in' as const, min: 0, max: 1 as const, type, documentation };
}

interface Wanted {
  readonly settings: WorkflowSettings;
  readonly format: Format;
}

/** Of a card its serial. */
type Job = PrintJob & { readonly serial?: number };

/** The source is read with the caller's rights; what it names, as far as they go. */
async function jobOf(session: Session, call: OperationCall, { settings, format }: Wanted): Promise<Job> {
  const type = call.type as keyof typeof templates;
  requireTemplate(call, type);
  const version = await read(session, type, call.id);
  const source = parseBody(version) as Invoice | PaymentReconciliation | Patient;
  const place = `${type}/${call.id}`;
  recordOperation(session, { request: `GET ${place}/$render`, about: `${place}/_history/${version.versionId}` });
  // The image of a code alone is no card.
  if (source.resourceType === 'Patient' && format === 'png') return { code: scannedText(patientFacts(source)) };
  const copies = await countPrint(session, version);
  const issuer = source.resourceType === 'Invoice' ? source.issuer?.reference : undefined;
  const options: PageOptions = {
    letterhead: await readLetterhead(session, issuer, settings.logo),
    language: languageOf(call, settings),
    timeZone: settings.timezone,
    isDuplicate: copies > 1,
  };
  switch (source.resourceType) {
    case 'Invoice': {
      const patient = await readPatient(session, source.subject?.reference);
      const page = invoicePage({ invoice: source, patient, chargeTexts: await chargeTexts(session, source) }, options);
      return { page };
    }
    case 'PaymentReconciliation': {
      const { receiptNumbers: numbers, invoiceNumbers, subject } = await readAllocated(session, source);
      const patient = await readPatient(session, payerOf(source) ?? subject);
      return { page: receiptPage({ payment: source, numbers, invoiceNumbers, patient }, options) };
    }
    case 'Patient': {
      const patient = patientFacts(source);
      return { page: idCardPage({ patient, serial: copies }, options), serial: copies };
    }
  }
}

/** Who the money is from (contract.md 33). */
function payerOf({ extension }: PaymentReconciliation): string | undefined {
  return extension?.find(({ url }) => url.endsWith('-PaymentReconciliation.paymentIssuer'))?.valueReference?.reference;
}

function requireTemplate({ inputs }: OperationCall, type: keyof typeof templates): void {
  const template = inputs.get('template')?.[0]?.value;
  if (template === undefined || (templates[type] as readonly unknown[]).includes(template)) return;
  throw fhirError('not-found', `There is no such template for ${type}; there is ${templates[type].join(', ')}.`);
}

function formatOf({ type, inputs }: OperationCall): Format {
  const format = inputs.get('format')?.[0]?.value ?? 'pdf';
  if (format === 'pdf' || (format === 'png' && type === 'Patient')) return format;
  throw fhirError('not-supported', `${type} is rendered as ${type === 'Patient' ? 'pdf or png' : 'pdf'}.`, {
    status: 406,
  });
}

function languageOf({ inputs }: OperationCall, { language }: WorkflowSettings): string {
  const asked = inputs.get('locale')?.[0]?.value;
  if (asked === undefined) return language;
  try {
    return Intl.getCanonicalLocales(String(asked))[0] ?? language;
  } catch {
    throw fhirError('value', 'locale is a language tag of BCP 47 such as de-AT.', { status: 400 });
  }
}
