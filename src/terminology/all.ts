// Waits for several answers of the database together: when one fails the others may still be under way, and must not be any
// more when the transaction ends.

/** As Promise.all, but settles when all have. */
export async function all<T extends readonly unknown[]>(
  answers: T,
): Promise<{ -readonly [Index in keyof T]: Awaited<T[Index]> }> {
  for (const answer of await Promise.allSettled(answers)) if (answer.status === 'rejected') throw answer.reason;
  return (await Promise.all(answers)) as { -readonly [Index in keyof T]: Awaited<T[Index]> };
}
