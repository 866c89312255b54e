// A column of boxes under a tenant's data key, described by who writes them, so that whoever rotates the key can seal them again.

export interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** The columns that name a row, in the order of an index. */
  readonly key: readonly KeyColumn[];
  /** What a box of the row is sealed as: see TenantCipher. The key comes as texts, bytes in hexadecimal. */
  contextOf(key: readonly string[]): string;
}

export interface KeyColumn {
  readonly name: string;
  readonly type: 'text' | 'uuid' | 'bytea';
}
