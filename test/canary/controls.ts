// What must be found, or finding nothing proves nothing: texts in columns that are readable by design, and plants in every form.

import { makeWord, timestampsOf } from './canaries.ts';
import { visitStart } from './chart.ts';
import { compressions, surrounded, writings } from './forms.ts';
import type { Word } from './scanner.ts';

/** A word that nobody but this test writes. */
export interface Plant {
  readonly form: string;
  readonly word: string;
  readonly bytes: Buffer;
  /** In what it must be found; absent: in whatever it is. */
  readonly block?: string;
}

export interface Controls {
  /** The id a client chooses for a Patient, stored as given (README). */
  readonly plainId: string;
  /** `X-Request-Id`, logged as given. */
  readonly requestId: string;
  /** Of a job in the queue. */
  readonly jobTopic: string;
  /** In a statement of ours, as PostgreSQL logs them here. */
  readonly statement: string;
  /** In a value that PostgreSQL compresses. */
  readonly postgresValue: string;
  readonly plants: readonly Plant[];
}

export function makeControls(): Controls {
  const word = () => makeWord('Ctrl');
  const written = Object.entries(writings).map(([form, write]): Plant => {
    const planted = word();
    return { form, word: planted, bytes: write(Buffer.from(planted)) };
  });
  const packed = Object.entries(compressions).map(([form, compress]): Plant => {
    const planted = word();
    const block = form.startsWith('zstd') ? 'zstd frame' : 'DEFLATE';
    return { form, word: planted, bytes: compress(surrounded(Buffer.from(planted))), block };
  });
  return {
    plainId: word(),
    requestId: word(),
    jobTopic: word(),
    statement: word(),
    postgresValue: word(),
    plants: [...written, ...packed],
  };
}

/** A series of ours that `/metrics` always has. */
const metric = 'hpms_database_connections';

/** A moment is stored readable too: the start of the visit is the control of how PostgreSQL writes it. */
export function controlWords({ plants, ...texts }: Controls): Word[] {
  return [
    ...Object.entries(texts).map(([name, text]) => ({ name, texts: [text] })),
    ...plants.map(({ form, word }) => ({ name: form, texts: [word] })),
    { name: 'metric', texts: [metric] },
    { name: 'visitStart', texts: [visitStart.slice(0, 16).replace('T', ' ')], binary: timestampsOf(visitStart) },
  ];
}
