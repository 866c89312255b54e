// The contract of a clinic workflow: what it adds to every write of its types, whoever writes (README, Modules).

import type { Resource } from '@medplum/fhirtypes';
import type { OutboxEvent } from '../jobs/outbox.ts';
import type { Change, WriteIntent } from './change.ts';
import type { Session } from './session.ts';
import type { StoredVersion } from './stored-version.ts';

/** A rule is called once per transaction step with the list of all changes of its type. */
export interface Rule<Result> {
  /** Names the rule in logs and documentation. */
  readonly name: string;
  readonly type: string;
  run(changes: readonly Change[], session: Session): Result | Promise<Result>;
}

/** What follows a commit: an outbox row per event key, delivered to the job of the same topic. */
export interface Reaction {
  readonly topic: string;
  readonly type: string;
  /** Names the event, once and for all time, or undefined when this change is none. */
  eventKeyOf(change: Change): string | undefined;
}

/** The consumer of a topic; its writes and its receipt are one transaction. */
export interface ModuleJob {
  readonly topic: string;
  readonly consumer: string;
  run(event: OutboxEvent, session: Session): Promise<void>;
}

/** Taken before the rows of a client's write are locked, so that all who write these wait in the same order. */
export interface Lock {
  readonly type: string;
  /** Whether the write may need it. */
  isFor(intent: WriteIntent): boolean;
  /** Of the writes that may need it; it may ask, in the same message, for what these will want to know. */
  take(session: Session, intents: readonly WriteIntent[]): void;
}

/** What the server computes whenever resources of a type are read or found; versions of before show what is stored. */
export interface Show {
  /** Names it in documentation. */
  readonly name: string;
  readonly type: string;
  /** The bodies to answer with, in the order of the versions, which are current. */
  show(versions: readonly ShownVersion[], session: Session): Promise<readonly Buffer[]>;
}

export type ShownVersion = StoredVersion & { readonly body: Buffer };

/** Rows that a module keeps of the resources of a type, written again from what is stored: without a version, rule or event. */
export interface Restore {
  /** Names it in documentation. */
  readonly name: string;
  readonly type: string;
  /** The resource is locked, and may be such as would be refused today. */
  run(resource: StoredResource, session: Session): void | Promise<void>;
}

export type StoredResource = Resource & { readonly id: string };

export interface Module {
  readonly name: string;
  readonly locks?: readonly Lock[];
  /** Fill server-owned elements of `change.resource`, before validation. */
  readonly prepare?: readonly Rule<void>[];
  /** Refuse by throwing a FhirError, or warn by `change.told`, after validation and before anything is written. */
  readonly guards?: readonly Rule<void>[];
  /** Write typed rows, and may ask for further resources in the same transaction. */
  readonly effects?: readonly Rule<readonly WriteIntent[]>[];
  readonly reactions?: readonly Reaction[];
  readonly shows?: readonly Show[];
  /** For what was stored before there were these rows: every run of the reindex comes by (database/index-generation.ts). */
  readonly restores?: readonly Restore[];
  readonly jobs?: readonly ModuleJob[];
}
