// `AuditEvent/$verify`: proves to whoever reads a clinic's AuditEvents that they are as they were sealed: README, Proof; https://www.rfc-editor.org/rfc/rfc6962#section-2.1

import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { requireEveryRow } from '../access/row-rule.ts';
import { type Head, publicJwk, signedBytes } from '../audit/seal/head.ts';
import type { Milestone } from '../audit/seal/verify/check-anchors.ts';
import { SealDifference } from '../audit/seal/verify/difference.ts';
import { type EventProof, proveEvent } from '../audit/seal/verify/prove-event.ts';
import { type VerifiedPart, verifyPart } from '../audit/seal/verify/verify-part.ts';
import { fhirError } from '../fhir/outcome.ts';
import type { Session } from '../repository/session.ts';
import { auditVerifyParameters } from './audit-verify-parameters.ts';
import type { Operation, OperationCall } from './operation.ts';
import { inputOf } from './terminology-inputs.ts';

/** Rows of a call; a row takes some 20 µs. */
const countUsual = 1_000;
export const countMax = 100_000;

export const auditVerify: Operation = {
  code: 'verify',
  definition: {
    id: 'hpms-verify',
    url: 'https://hpms.example/fhir/OperationDefinition/hpms-verify',
    name: 'VerifyAuditEvents',
    title: 'Verify AuditEvents',
    description:
      "Checks that AuditEvents are as they were sealed. Called for an instance, or with `event`, it gives the inclusion proof of that AuditEvent. Else it checks the tree of the clinic against its last signed head, the heads before it, that it grew from `anchor` where one is given, and the newest rows, or `count` of them from `from` on. Proofs are those of RFC 6962; leaf, head and signature are described in the server's README. What differs first is named, with `outcome` `different`.",
  },
  levels: ['type', 'instance'],
  resourceTypes: ['AuditEvent'],
  affectsState: false,
  permission: 'r',
  parameters: auditVerifyParameters,
  async run(session, call) {
    requireEveryRow(session.caller, 'AuditEvent');
    const resource: Parameters = { resourceType: 'Parameters', parameter: await outcomeOf(session, call) };
    return { resource };
  },
};

async function outcomeOf(session: Session, call: OperationCall): Promise<ParametersParameter[]> {
  const id = call.id === '' ? inputOf<string>(call, 'event')?.replace(/^AuditEvent\//, '') : call.id;
  try {
    if (id !== undefined) return describeEvent(await proveEvent(session.trx, id, undefined));
    const asked = readPart(call);
    const part = await verifyPart(session.trx, { ...asked, now: session.at });
    const size = part?.head.size ?? 0;
    // Whoever goes on where there is nothing must not hear that it is sound.
    if (asked.from !== undefined && asked.from > size) throw invalid('from', `at most ${size}, for so many are sealed`);
    return describePart(part);
  } catch (error) {
    if (!(error instanceof SealDifference)) throw error;
    if (error.kind === 'unknown') throw fhirError('not-found', 'There is no AuditEvent with this id.');
    return [
      outcome(error.kind === 'unsealed' ? 'unsealed' : 'different'),
      { name: 'difference', valueString: error.message },
    ];
  }
}

function readPart(call: OperationCall) {
  const from = inputOf<number>(call, 'from');
  const count = inputOf<number>(call, 'count') ?? countUsual;
  if (count < 1 || count > countMax) throw invalid('count', `a number from 1 to ${countMax}`);
  const anchor = inputOf<string>(call, 'anchor');
  return { from, count, anchor: anchor === undefined ? undefined : readAnchor(anchor) };
}

function readAnchor(text: string): Milestone {
  const { size, root = '' } = /^(?<size>\d{1,15}):(?<root>[0-9a-f]{64})$/.exec(text)?.groups ?? {};
  if (size === undefined) throw invalid('anchor', 'a size and a root in hexadecimal, such as 17:0123…');
  return { size: Number(size), root: Buffer.from(root, 'hex'), by: 'The anchor given' };
}

function invalid(name: string, allowed: string): Error {
  return fhirError('value', `"${name}" is ${allowed}.`, { status: 400, expression: 'Parameters.parameter' });
}

function describePart(part: VerifiedPart | undefined): ParametersParameter[] {
  if (!part) return [outcome('unsealed')];
  const { head, from, to, consistency, waiting } = part;
  return [
    outcome('sound'),
    describeHead(head),
    { name: 'checked', part: [decimal('from', from), decimal('to', to)] },
    ...(to < head.size ? [decimal('next', to)] : []),
    ...(waiting === undefined ? [] : [decimal('waiting', waiting)]),
    ...(consistency ? [{ name: 'consistency', part: consistency.map(pathNode) }] : []),
  ];
}

function describeEvent({ id, leaf, index, path, head }: EventProof): ParametersParameter[] {
  const event: ParametersParameter = {
    name: 'event',
    part: [
      { name: 'reference', valueReference: { reference: `AuditEvent/${id}` } },
      bytes('leaf', leaf),
      decimal('index', index),
      ...path.map(pathNode),
    ],
  };
  return [outcome('sound'), describeHead(head), event];
}

function describeHead(head: Head): ParametersParameter {
  return {
    name: 'head',
    part: [
      decimal('size', head.size),
      bytes('root', head.root),
      ...(head.prevHash.length > 0 ? [bytes('previous', head.prevHash)] : []),
      { name: 'at', valueInstant: head.at.toISOString() },
      bytes('signed', signedBytes(head)),
      bytes('signature', head.signature),
      { name: 'key', valueString: JSON.stringify(publicJwk(head.key)) },
    ],
  };
}

function outcome(code: 'sound' | 'different' | 'unsealed'): ParametersParameter {
  return { name: 'outcome', valueCode: code };
}

/** Sizes outgrow an integer. */
function decimal(name: string, value: number): ParametersParameter {
  return { name, valueDecimal: value };
}

function bytes(name: string, value: Buffer): ParametersParameter {
  return { name, valueBase64Binary: value.toString('base64') };
}

function pathNode(hash: Buffer): ParametersParameter {
  return bytes('path', hash);
}
