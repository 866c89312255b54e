// An intent and the resource it is about.

import { newId, requireId } from '../fhir/ids.ts';
import { typeOf, type WriteIntent } from './change.ts';
import type { Session } from './session.ts';

export interface Target<Intent extends WriteIntent = WriteIntent> {
  /** Position of the intent among those of the same write. */
  readonly index: number;
  readonly intent: Intent;
  readonly id: string;
  /** True for an id the server has just made: nothing is stored under it. */
  readonly isNew: boolean;
  /** The version that met the intent's criteria. */
  readonly foundVersionId?: number;
  /** True for an id that only the body of a conditional update names. */
  readonly mustBeFree?: boolean;
}

/** Of an intent that names its resource by an id, or wants a new one. */
export function targetOf(session: Session, index: number, intent: WriteIntent): Target {
  if (intent.action === 'create') return { index, intent, id: intent.id ?? newId(session.at.getTime()), isNew: true };
  const id = intent.id ?? '';
  requireId(id, `${typeOf(intent)}.id`);
  return { index, intent, id, isNew: false };
}

export function keyOf(type: string, id: string): string {
  return `${type}/${id}`;
}
