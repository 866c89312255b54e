// A patient's card is a document of the record: each print is one, and the one before counts no more (domain.md S5-23, "ID cards").

import { createHash } from 'node:crypto';
import type { DocumentReference, Extension } from '@medplum/fhirtypes';
import { newId } from '../../fhir/ids.ts';
import type { Content, WriteIntent } from '../../repository/change.ts';
import { findMatches } from '../../repository/find-matches.ts';
import type { Session } from '../../repository/session.ts';
import { writeOwn } from '../../repository/write.ts';
import { parseSearch } from '../../search/parse.ts';

export interface PrintedCard {
  readonly patientId: string;
  readonly serial: number;
  readonly bytes: Buffer;
}

const house = 'https://hpms.example/fhir';
const cardUrl = `${house}/StructureDefinition/card`;
const documentTypeSystem = `${house}/CodeSystem/document-type`;
/** Of a patient one is current; more are left of prints that were made at once by servers of before. */
const currentMax = 100;

/** Gives the id of the Binary. Whoever prints the same patient's card waits: `countPrint` has locked its row. */
export async function keepCard(session: Session, card: PrintedCard): Promise<string> {
  const earlier = await findCurrent(session, card.patientId);
  const [binaryId, documentId] = [newId(session.at.getTime()), newId(session.at.getTime())];
  const subject = { reference: `Patient/${card.patientId}` };
  const data = card.bytes.toString('base64');
  const binary = { resourceType: 'Binary', id: binaryId, contentType, securityContext: subject, data } as const;
  await writeOwn(session, [
    { action: 'create', id: binaryId, resource: binary },
    { action: 'create', id: documentId, resource: documentOf(session, card, { documentId, binaryId, earlier }) },
    ...earlier.map(voidCard),
  ]);
  return binaryId;
}

const contentType = 'application/pdf';

async function findCurrent(session: Session, patientId: string): Promise<string[]> {
  const asked: [string, string][] = [
    ['subject', `Patient/${patientId}`],
    ['type', `${documentTypeSystem}|id-card`],
    ['status', 'current'],
  ];
  const at = session.at.getTime();
  const query = parseSearch(session.definitions, 'DocumentReference', asked, { handling: 'strict', now: at });
  const [rows = []] = await findMatches(session, [{ query, matchesMax: currentMax, needsBody: false }]);
  return rows.map(({ id }) => id);
}

interface Kept {
  readonly documentId: string;
  readonly binaryId: string;
  readonly earlier: readonly string[];
}

function documentOf({ at }: Session, card: PrintedCard, { documentId, binaryId, earlier }: Kept): DocumentReference {
  const { patientId, serial, bytes } = card;
  const date = at.toISOString();
  return {
    resourceType: 'DocumentReference',
    id: documentId,
    extension: [cardExtension(serial, 'active')],
    status: 'current',
    docStatus: 'final',
    type: { coding: [{ system: documentTypeSystem, code: 'id-card', display: 'Patient card' }] },
    subject: { reference: `Patient/${patientId}` },
    date,
    ...(earlier.length > 0 && {
      relatesTo: earlier.map((id) => ({ code: 'replaces', target: { reference: `DocumentReference/${id}` } }) as const),
    }),
    content: [
      {
        attachment: {
          contentType,
          url: `Binary/${binaryId}`,
          size: bytes.length,
          hash: createHash('sha1').update(bytes).digest('base64'),
          creation: date,
        },
      },
    ],
  };
}

function cardExtension(serial: number, state: 'active' | 'void'): Extension {
  return {
    url: cardUrl,
    extension: [
      { url: 'template', valueCode: 'id-card' },
      { url: 'serial', valuePositiveInt: serial },
      { url: 'state', valueCode: state },
    ],
  };
}

/** A lost card that is found opens nothing: its serial is void. */
function voidCard(id: string): WriteIntent {
  const apply = (content: Content): Content => {
    const document = content.resource as DocumentReference;
    const serial = serialOf(document);
    const others = (document.extension ?? []).filter(({ url }) => url !== cardUrl);
    const extension = serial === undefined ? others : [...others, cardExtension(serial, 'void')];
    return { ...content, resource: { ...document, status: 'superseded', extension } };
  };
  return { action: 'patch', type: 'DocumentReference', id, apply };
}

function serialOf({ extension = [] }: DocumentReference): number | undefined {
  const parts = extension.find(({ url }) => url === cardUrl)?.extension;
  return parts?.find(({ url }) => url === 'serial')?.valuePositiveInt;
}
