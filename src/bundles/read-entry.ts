// Entries that only read: read, vread and search.

import { read } from '../repository/read.ts';
import type { Session } from '../repository/session.ts';
import { vread } from '../repository/vread.ts';
import type { ParsedEntry } from './bundle-entry.ts';
import { bundleResponse, readResponse } from './entry-response.ts';

/** Runs a search in the session and gives the searchset Bundle's JSON text. */
export type SearchEntry = (session: Session, type: string, query: URLSearchParams) => Promise<string>;

export async function readEntry(session: Session, entry: ParsedEntry, search: SearchEntry): Promise<string> {
  if (entry.id === '') return bundleResponse(await search(session, entry.type, entry.query));
  if (entry.versionId !== undefined) return readResponse(await vread(session, entry.type, entry.id, entry.versionId));
  return readResponse(await read(session, entry.type, entry.id));
}
