// What shall happen after the commit is written down inside it: one outbox row per event that the modules name.

import { addToOutbox, type NewOutboxEvent } from '../jobs/outbox.ts';
import type { Change } from './change.ts';
import type { Session } from './session.ts';

export function addReactions(session: Session, changes: readonly Change[]): void {
  const events: NewOutboxEvent[] = [];
  for (const reaction of session.repository.rules.reactions) {
    for (const change of changes) {
      if (change.type !== reaction.type) continue;
      const eventKey = reaction.eventKeyOf(change);
      if (eventKey !== undefined) events.push(newEvent(eventKey, reaction.topic, change));
    }
  }
  if (events.length > 0) addToOutbox(session.trx, events);
}

function newEvent(eventKey: string, topic: string, change: Change): NewOutboxEvent {
  return {
    eventKey,
    topic,
    resourceType: change.type,
    resourceId: change.id,
    oldVersionId: change.old?.versionId,
    newVersionId: change.versionId,
  };
}
