// What a caller asks to be written, and what becomes of it on its way through the write path.

import type { Resource } from '@medplum/fhirtypes';
import type { Issue } from '../fhir/outcome.ts';
import type { StoredVersion } from './stored-version.ts';
import type { VersionTest } from './version-test.ts';

export type ExactNumbers = ReadonlyMap<string, string>;

/** A resource and the texts of its numbers that are not those a number is written as. */
export interface Content {
  readonly resource: Resource;
  readonly exactNumbers?: ExactNumbers;
}

/** What must be true of the current version, or the write is refused: https://hl7.org/fhir/R4/http.html#concurrency */
export interface Preconditions {
  readonly ifMatchVersionId?: VersionTest;
  readonly ifNoneMatchVersionId?: VersionTest;
}

/** Search criteria that stand where an id could: https://hl7.org/fhir/R4/http.html#cond-update */
export interface Criteria {
  /** What follows the question mark of a URL, still encoded. */
  readonly query: string;
  /** The tenant's FHIR base, so that absolute references below it are known as its own. */
  readonly baseUrl?: string;
}

/** The resource with this id, or the one that meets the criteria. */
type Chosen = { readonly id: string; readonly criteria?: never } | { readonly criteria: Criteria; readonly id?: never };

/** One write a caller asks for. */
export type WriteIntent =
  | {
      readonly action: 'create';
      readonly resource: Resource;
      readonly exactNumbers?: ExactNumbers;
      readonly id?: string;
      /** Nothing is created where one resource meets these: https://hl7.org/fhir/R4/http.html#ccreate */
      readonly ifNoneExist?: Criteria;
    }
  | ({
      readonly action: 'update';
      readonly resource: Resource;
      readonly exactNumbers?: ExactNumbers;
    } & Chosen &
      Preconditions)
  | ({
      readonly action: 'patch';
      readonly type: string;
      /** From the current content, which it may change, to the next. */
      readonly apply: (current: Content) => Content;
      /** The caller may take security labels away: see keep-labels.ts. */
      readonly removesLabels?: true;
    } & Chosen &
      Preconditions)
  /** Criteria may choose several, which are all deleted. */
  | ({ readonly action: 'delete'; readonly type: string } & Chosen & Preconditions);

/** The type an intent is about. */
export function typeOf(intent: WriteIntent): string {
  return 'resource' in intent ? intent.resource.resourceType : intent.type;
}

/** What must be met before the intent's resource is known. */
export function criteriaOf(intent: WriteIntent): Criteria | undefined {
  return intent.action === 'create' ? intent.ifNoneExist : intent.criteria;
}

/** A write under way: rules read `old` and may change `resource` until it is validated. */
export interface Change {
  /** Position of its intent among those of the same write. */
  readonly index: number;
  /** Asked for by the server itself, in an effect, a job or an operation: rules that bind clients let it pass. */
  readonly byServer: boolean;
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
  /** Of the new content; a rule that fills in numbers gives their texts. */
  exactNumbers: ExactNumbers | undefined;
  /** Warnings that rules add for whoever wrote it; what is an error they throw. */
  readonly told: Issue[];
}

/** The outcome of one intent. */
export interface WriteResult {
  readonly action: Change['action'];
  readonly type: string;
  /** Empty after a delete by criteria of none or several. */
  readonly id: string;
  /** 0 where there is no version. */
  readonly versionId: number;
  readonly lastUpdated: Date;
  /** The stored JSON text; undefined after a delete. */
  readonly json: string | undefined;
  /** The caller may not read it: nothing of it is shown. */
  readonly isHidden?: true;
  /** False when a delete found nothing to delete, and when a create found what it was to create: the result is that then. */
  readonly changed: boolean;
  /** How many a delete by criteria has deleted, when they were several. */
  readonly deletedCount?: number;
  /** What is to be told of the resource though it was written. */
  readonly issues?: readonly Issue[];
}
