// Why a queue that is there is not taken; apart from BullMQ, which a command that only has to explain errors need not load.

/** The queue is there and must not be used as it is. */
export class UnsafeQueueError extends Error {
  override readonly name = 'UnsafeQueueError';
}
