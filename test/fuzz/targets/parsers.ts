// What reads text from outside, called as the server calls it, without network and database.

import { isDeepStrictEqual } from 'node:util';
import { compileBounded } from '../../../src/fhir/fhirpath/compile-bounded.ts';
import { type ParsedJson, parseJson, serializeJson } from '../../../src/fhir/json.ts';
import { parseXml } from '../../../src/fhir/xml/parse-xml.ts';
import { serializeXml } from '../../../src/fhir/xml/serialize-xml.ts';
import { preferredMediaType } from '../../../src/http/accept.ts';
import { decoderOf } from '../../../src/http/content-coding.ts';
import { parseMediaType, unspoken } from '../../../src/http/media-type.ts';
import { handlingOf, prefersAsync, returnPreference } from '../../../src/http/prefer.ts';
import type { PatchKind } from '../../../src/repository/patch/to-patch.ts';
import { toPatch } from '../../../src/repository/patch/to-patch.ts';
import { isNotModified, parseVersionTest } from '../../../src/repository/version-test.ts';
import { compileSearch } from '../../../src/search/compile-search.ts';
import { parseSearch } from '../../../src/search/parse.ts';
import { settle } from '../../../src/search/settle.ts';
import { createValidator } from '../../../src/validation/validate.ts';
import { expressions } from '../inputs/expressions.ts';
import { someHeaders } from '../inputs/headers.ts';
import { type PatchInput, patchesOf } from '../inputs/patches.ts';
import { definitions, jsonTexts, resourceOf, xmlTexts } from '../inputs/resources.ts';
import { marker, queryOf, type Search, searches } from '../inputs/searches.ts';
import { asTarget, attempt, attemptLater, type Outcome, type Stage, type Target } from '../target.ts';

const validate = createValidator(definitions);

/** As before a write: a type of R4, then all that R4 demands of it. */
function judge({ value, exactNumbers }: ParsedJson): Outcome {
  const { resourceType } = (value ?? {}) as { resourceType?: unknown };
  if (typeof resourceType !== 'string' || !definitions.resourceTypes.has(resourceType))
    return { status: 400, stage: 'parsed' };
  const issues = validate(value, exactNumbers ? { exactNumbers } : {});
  const isValid = issues.every(({ severity }) => severity === 'warning' || severity === 'information');
  return { status: isValid ? 200 : 422, stage: 'validated' };
}

function must(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what);
}

const json: Target<string> = {
  name: 'json',
  share: 150,
  inputs: jsonTexts,
  run: (text) =>
    attempt(() => {
      const parsed = parseJson(text);
      const again = serializeJson(parsed.value, parsed.exactNumbers);
      must(isDeepStrictEqual(JSON.parse(again), JSON.parse(text)), 'What was written is not what was read.');
      return judge(parsed);
    }),
};

const xml: Target<string> = {
  name: 'xml',
  share: 150,
  inputs: xmlTexts,
  run: (text) =>
    attempt(() => {
      const parsed = parseXml(text, definitions);
      const outcome = judge(parsed);
      if (outcome.status === 200) {
        const again = parseXml(serializeXml(parsed.value, definitions, parsed.exactNumbers), definitions);
        must(isDeepStrictEqual(again, parsed), 'What was written is not what was read.');
      }
      return outcome;
    }),
};

const options = {
  handling: 'strict',
  baseUrl: 'https://clinic.example/t/demo/fhir',
  now: Date.UTC(2026, 10, 20),
} as const;

const tokenOf = (text: string) => BigInt(text.length);
/** Of a database in which nothing is. */
const nothing = { tokenOf, send: async () => [], open: () => Promise.reject(new Error('Nothing was found.')) };

const search: Target<Search> = {
  name: 'search',
  share: 200,
  inputs: searches,
  isInput: ({ pairs }) => pairs?.every((pair) => pair.length === 2 && pair.every((part) => typeof part === 'string')),
  async run({ type, pairs }) {
    const asked = [...new URLSearchParams(queryOf({ type, pairs }))];
    // Lenient first: what is ignored there must not come through either.
    const lenient = await searched(type, asked, 'lenient');
    return lenient.stage === 'sql' ? await searched(type, asked, 'strict', 'sql') : lenient;
  },
};

async function searched(
  type: string,
  asked: readonly (readonly [string, string])[],
  handling: 'lenient' | 'strict',
  reached: Stage = 'refused',
): Promise<Outcome> {
  return await attemptLater(async (reach) => {
    reach(reached);
    const query = await settle(parseSearch(definitions, type, asked, { ...options, handling }), nothing);
    const compiled = compileSearch(query, { tokenOf });
    const further = [compiled.fallback, ...(compiled.further ?? [])].flatMap((make) => (make ? [make()] : []));
    const counts = [compiled.countStatement(1_000), compiled.estimateStatement(1_000)];
    const texts = [compiled.statement, ...further, ...counts].map(({ text }) => text);
    must(!texts.some((text) => text.includes(marker)), 'A value stands in a statement.');
    return { status: 200, stage: 'sql' };
  });
}

const fhirpath: Target<{ readonly type: string; readonly seed: number; readonly source: string }> = {
  name: 'fhirpath',
  share: 150,
  inputs: expressions,
  isInput: ({ type, seed }) => definitions.resourceTypes.has(type) && Number.isSafeInteger(seed),
  run: ({ type, seed, source }) =>
    attempt((reach) => {
      const path = compileBounded(source, { type, definitions });
      // What fails while it is evaluated was read before.
      reach('parsed');
      path.read(resourceOf(type, seed));
      return { status: 200, stage: 'validated' };
    }),
};

const owned = { id: '1', meta: { versionId: '1', lastUpdated: '2026-01-01T00:00:00Z' } };

function patchTarget(kind: PatchKind): Target<PatchInput> {
  return {
    name: kind,
    share: 80,
    inputs: patchesOf[kind],
    isInput: ({ type, seed }) => definitions.resourceTypes.has(type) && Number.isSafeInteger(seed),
    run: ({ type, seed, document }) =>
      attempt((reach) => {
        const apply = toPatch(parseJson(JSON.stringify(document)), kind, { type, definitions, validate });
        reach('parsed');
        const { resource } = apply({ resource: { ...resourceOf(type, seed), ...structuredClone(owned) } as never });
        const { versionId, lastUpdated } = resource.meta ?? {};
        const { id, meta } = owned;
        const isKept = isDeepStrictEqual(
          [resource.resourceType, resource.id, versionId, lastUpdated],
          [type, id, meta.versionId, meta.lastUpdated],
        );
        must(isKept, "The patch changed what is the server's own.");
        return judge({ value: resource });
      }),
  };
}

const headers: Target<Readonly<Record<string, string>>> = {
  name: 'headers',
  share: 60,
  inputs: someHeaders,
  run: (given) =>
    attempt(() => {
      const request = { header: (name: string) => given[name] };
      const media = parseMediaType(given['Content-Type'] ?? '');
      const conditions = { ifNoneMatch: given['If-None-Match'], ifModifiedSince: given['If-Modified-Since'] };
      isNotModified(conditions, { versionId: 1, lastUpdated: new Date(0) });
      decoderOf(given['Accept-Encoding']);
      const understood = [
        given.Accept === undefined || preferredMediaType(given.Accept) !== undefined,
        given['If-Match'] === undefined || parseVersionTest(given['If-Match']) !== undefined,
        unspoken(media) === undefined,
        given.Prefer === undefined ||
          returnPreference(request) !== undefined ||
          prefersAsync(request) ||
          handlingOf(request) === 'strict',
      ];
      return understood.every(Boolean) ? { status: 200, stage: 'parsed' } : { status: 400, stage: 'refused' };
    }),
};

export const parserTargets: readonly Target[] = [
  ...[asTarget(json), asTarget(xml), asTarget(search), asTarget(fhirpath)],
  ...(['json-patch', 'fhirpath-patch', 'merge-patch'] as const).map((kind) => asTarget(patchTarget(kind))),
  asTarget(headers),
];
