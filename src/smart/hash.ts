// Random values are stored as this only: whoever reads the tables cannot use what is in them.

import { createHash } from 'node:crypto';

export function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
