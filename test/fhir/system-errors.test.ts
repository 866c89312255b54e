// What the operating system refuses for lack of something is 503 for a while; everything else stays what it is.

import { expect, test } from '@jest/globals';
import { translateSqlError } from '../../src/database/sql-errors.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { outOfResource } from '../../src/fhir/system-errors.ts';

const systemError = (code: string) => Object.assign(new Error(code), { code });

test.each(['EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL', 'EAGAIN'])(
  '%s is told with a time to come back, also from within a transaction',
  (code) => {
    for (const told of [outOfResource(systemError(code)), translateSqlError(systemError(code))]) {
      expect(told).toBeInstanceOf(FhirError);
      expect(told).toMatchObject({ status: 503, retryAfterSeconds: 10 });
    }
  },
);

test.each([[systemError('ENOENT')], [new Error('without a code')], ['a text'], [undefined]])(
  '%s is none of them',
  (error) => {
    expect(outOfResource(error)).toBeUndefined();
    expect(translateSqlError(error)).toBe(error);
  },
);
