// What stops an archive command, in words for the operator.

export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}
