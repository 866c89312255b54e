// Preconditions on the version that is current: https://hl7.org/fhir/R4/http.html#concurrency and RFC 9110 section 13.1

/** One of these versions, or any that exists. */
export type VersionTest = '*' | number | readonly number[];

const tagsMax = 100;
const tag = /^\s*(?:W\/)?"([0-9]{1,9})"\s*$/;

/** Reads `*` or version tags such as `W/"3"`, weak or strong, between commas; undefined where it is neither. */
export function parseVersionTest(text: string): VersionTest | undefined {
  if (text.trim() === '*') return '*';
  const tags = text.split(',', tagsMax + 1);
  if (tags.length > tagsMax) return undefined;
  const versionIds = tags.map((item) => Number(tag.exec(item)?.[1]));
  if (versionIds.some(Number.isNaN)) return undefined;
  return versionIds.length === 1 ? versionIds[0] : versionIds;
}

export interface Current {
  readonly versionId: number;
  /** Undefined for a deletion, which is a version but nothing that exists. */
  readonly body: Buffer | undefined;
}

export function passesTest(test: VersionTest, current: Current | undefined): boolean {
  if (test === '*') return current?.body !== undefined;
  if (!current) return false;
  return typeof test === 'number' ? test === current.versionId : test.includes(current.versionId);
}

export interface ReadConditions {
  readonly ifNoneMatch?: string | undefined;
  readonly ifModifiedSince?: string | undefined;
}

/** True when a reader who says so has this version already. If-Modified-Since counts without If-None-Match only: RFC 9110 section 13.2.2 */
export function isNotModified(
  { ifNoneMatch, ifModifiedSince }: ReadConditions,
  version: { readonly versionId: number; readonly lastUpdated: Date },
): boolean {
  if (ifNoneMatch !== undefined) return namesVersion(ifNoneMatch, version.versionId);
  const sinceMs = ifModifiedSince === undefined ? undefined : parseHttpDate(ifModifiedSince);
  // The header has whole seconds.
  return sinceMs !== undefined && Math.floor(version.lastUpdated.getTime() / 1000) * 1000 <= sinceMs;
}

/** Tags of other makers are no versions of ours, and no mistake either. */
function namesVersion(text: string, versionId: number): boolean {
  if (text.trim() === '*') return true;
  return text.split(',', tagsMax).some((item) => Number(tag.exec(item)?.[1]) === versionId);
}

const httpDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? [\w :-]{1,30}$/;

/** Undefined for what is no date, which is then no condition: RFC 9110 section 13.1.3. */
function parseHttpDate(text: string): number | undefined {
  const trimmed = text.trim();
  if (!httpDate.test(trimmed)) return undefined;
  // The oldest of the three forms says no zone: RFC 9110 section 5.6.7.
  const ms = Date.parse(trimmed.endsWith(' GMT') ? trimmed : `${trimmed} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}
