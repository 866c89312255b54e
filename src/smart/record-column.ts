// Where a payload of oidc-provider is sealed to be; apart from what asks that package, which takes a quarter of a second to load.

import type { SealedColumn } from '../crypto/sealed-column.ts';

export function sealContext(model: string, idHash: Buffer): string {
  return `oidc_record|${model}|${idHash.toString('hex')}`;
}

export const recordColumn: SealedColumn = {
  table: 'oidc_record',
  column: 'payload',
  key: [
    { name: 'model', type: 'text' },
    { name: 'id_hash', type: 'bytea' },
  ],
  contextOf: ([model = '', hash = '']) => sealContext(model, Buffer.from(hash, 'hex')),
};
