// An operation as data: its routes, its checks, its OperationDefinition and the capability statement follow from it: https://hl7.org/fhir/R4/operations.html

import type { Permission } from '../access/caller.ts';
import type { Content, ExactNumbers, Preconditions } from '../repository/change.ts';
import type { Session } from '../repository/session.ts';

export interface Operation {
  /** Without the dollar sign. */
  readonly code: string;
  readonly definition: OperationIdentity;
  readonly levels: readonly OperationLevel[];
  /** Those it can be called on; absent = all. */
  readonly resourceTypes?: readonly string[];
  /** What does not may also be called by GET, when its inputs are primitive. */
  readonly affectsState: boolean;
  /** It changes nothing of what it is called on, but stores what it has made, so it runs in a transaction. */
  readonly keepsRecords?: true;
  /** What the caller must be allowed to do to the type in the URL; where nobody may, the operation is not offered. */
  readonly permission: Permission;
  /** Suffices in the place of that permission; the operation says to which resources. */
  readonly right?: string;
  readonly parameters: readonly OperationParameter[];
  /** The input that is the whole query of a GET, of an operation about a search; its result parameters shape no answer of its own. */
  readonly queryInput?: string;
  /** Makes its inputs of body and query itself, where the body need not be valid. */
  readBody?(body: Content, query: Iterable<readonly [string, string]>): OperationInputs;
  /** Gives a Parameters, or the resource that is its only output, named `return`. Permission and inputs were checked. */
  run(session: Session, call: OperationCall): Promise<Content>;
}

/** https://hl7.org/fhir/R4/operations.html#executing */
export type OperationLevel = 'system' | 'type' | 'instance' | 'version';

/** What its OperationDefinition says of it beside the table. */
export interface OperationIdentity {
  /** Of the OperationDefinition, as this server serves it. */
  readonly id: string;
  readonly url: string;
  /** The definition this one offers a part of: https://hl7.org/fhir/R4/operationdefinition-definitions.html#OperationDefinition.base */
  readonly base?: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
}

export interface OperationParameter {
  readonly name: string;
  readonly use: 'in' | 'out';
  readonly min: number;
  readonly max: number | '*';
  /** A datatype such as `Meta`, or a resource type; absent where it has parts. */
  readonly type?: string;
  readonly parts?: readonly OperationParameter[];
  readonly documentation: string;
}

/** A call whose inputs are those the operation declares, in the numbers it allows. */
export interface OperationCall extends Preconditions {
  /** Empty at the levels that name none, as `id` and `versionId` are. */
  readonly type: string;
  readonly id: string;
  readonly versionId: string;
  /** The tenant's FHIR base without a slash at its end. */
  readonly baseUrl: string;
  readonly inputs: OperationInputs;
}

/** By name; what was not given is not there. */
export type OperationInputs = ReadonlyMap<string, readonly InputValue[]>;

export interface InputValue {
  readonly value: unknown;
  /** Of the numbers in it, by JSON Pointer below it. */
  readonly exactNumbers?: ExactNumbers;
}
