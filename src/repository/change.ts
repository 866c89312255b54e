// What a caller asks to be written, and what becomes of it on its way through the write path.

import type { Resource } from '@medplum/fhirtypes';
import type { StoredVersion } from './stored-version.ts';

export type ExactNumbers = ReadonlyMap<string, string>;

/** A resource and the texts of its numbers that are not those a number is written as. */
export interface Content {
  readonly resource: Resource;
  readonly exactNumbers?: ExactNumbers;
}

/** One write a caller asks for. */
export type WriteIntent =
  | {
      readonly action: 'create';
      readonly resource: Resource;
      readonly exactNumbers?: ExactNumbers;
      readonly id?: string;
    }
  | {
      readonly action: 'update';
      readonly resource: Resource;
      readonly id: string;
      readonly exactNumbers?: ExactNumbers;
      /** The version the caller believes to be current: https://hl7.org/fhir/R4/http.html#concurrency */
      readonly ifMatchVersionId?: number;
    }
  | {
      readonly action: 'patch';
      readonly type: string;
      readonly id: string;
      /** From the current content, which it may change, to the next. */
      readonly apply: (current: Content) => Content;
      readonly ifMatchVersionId?: number;
    }
  | { readonly action: 'delete'; readonly type: string; readonly id: string; readonly ifMatchVersionId?: number };

/** A write under way: rules read `old` and may change `resource` until it is validated. */
export interface Change {
  /** Position of its intent among those of the same write. */
  readonly index: number;
  /** An update of an unknown id is a create: https://hl7.org/fhir/R4/http.html#upsert */
  readonly action: 'create' | 'update' | 'delete';
  readonly type: string;
  readonly id: string;
  readonly versionId: number;
  readonly old: StoredVersion | undefined;
  /** The content before; undefined for a create and where the old version is a deletion. */
  readonly oldResource: Resource | undefined;
  /** The new content; undefined for a delete. */
  readonly resource: Resource | undefined;
  readonly exactNumbers: ExactNumbers | undefined;
}

/** The stored outcome of one intent. */
export interface WriteResult {
  readonly action: Change['action'];
  readonly type: string;
  readonly id: string;
  readonly versionId: number;
  readonly lastUpdated: Date;
  /** The stored JSON text; undefined after a delete. */
  readonly json: string | undefined;
  /** False when a delete found nothing to delete. */
  readonly changed: boolean;
}
