// The actions of the model as HTTP requests and as entries of bundles: https://hl7.org/fhir/R4/http.html

import { type Action, type Content, criteriaOf, type ModelType, type Patch, type VersionTest } from './rest-model.ts';

export interface Rendered {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  readonly headers: Record<string, string>;
}

const words: Readonly<Record<ModelType, readonly string[]>> = {
  Patient: ['male', 'female', 'other', 'unknown'],
  Observation: ['registered', 'preliminary', 'final', 'amended'],
};
const wordElement: Readonly<Record<ModelType, string>> = { Patient: 'gender', Observation: 'status' };

const identifier = (system: string) => (number: number) => ({ system, value: String(number) });

/** Without id and meta. */
export function resourceOf(type: ModelType, { word, numbers, subject }: Content, system: string): object {
  return {
    resourceType: type,
    ...(numbers.length > 0 && { identifier: numbers.map(identifier(system)) }),
    [wordElement[type]]: words[type][word],
    ...(type === 'Observation' ? { code: { text: 'model' } } : { name: [{ family: 'Model' }] }),
    ...(subject !== undefined && { subject: { reference: subject } }),
  };
}

/** `system` is the one of all identifiers. */
export function render(action: Action, system: string, subject?: string): Rendered {
  const { type } = action;
  const path = pathOf(action, system);
  if (action.kind === 'read' || action.kind === 'search') return { method: 'GET', path, headers: {} };
  if (action.kind === 'create') {
    const { ifNoneExist } = action;
    const headers: Record<string, string> =
      ifNoneExist === undefined ? {} : { 'If-None-Exist': criteria(system, ifNoneExist) };
    return { method: 'POST', path, body: bodyOf(action, system, subject), headers };
  }
  const ifMatch = header('If-Match', action.ifMatch);
  if (action.kind === 'delete') return { method: 'DELETE', path, headers: ifMatch };
  if (action.kind === 'patch') {
    const contentType = contentTypes[action.patch.language];
    return {
      method: 'PATCH',
      path,
      body: patchBody(type, action.patch, system),
      headers: { 'Content-Type': contentType, ...ifMatch },
    };
  }
  const headers = { ...ifMatch, ...header('If-None-Match', action.ifNoneMatch) };
  const { bodyId } = action;
  return { method: 'PUT', path, body: { ...bodyOf(action, system, subject), ...(bodyId && { id: bodyId }) }, headers };
}

export function criteria(system: string, number: number): string {
  return `identifier=${encodeURIComponent(`${system}|${number}`)}`;
}

function pathOf(action: Action, system: string): string {
  const { kind, type } = action;
  if (kind === 'create') return `/${type}`;
  if (kind === 'read') return `/${type}/${action.id}`;
  const number = kind === 'search' ? action.number : criteriaOf(action);
  return number === undefined
    ? `/${type}/${(action as { target: { id: string } }).target.id}`
    : `/${type}?${criteria(system, number)}`;
}

function bodyOf(
  { type, content, isValid }: { type: ModelType; content: Content; isValid: boolean },
  system: string,
  subject: string | undefined,
): object {
  const resource = resourceOf(type, subject === undefined ? content : { ...content, subject }, system);
  return isValid ? resource : { ...resource, [wordElement[type]]: 'nonsense' };
}

function header(name: string, test: VersionTest | undefined): Record<string, string> {
  if (test === undefined) return {};
  return { [name]: test === '*' ? '*' : `W/"${test}"` };
}

const contentTypes: Readonly<Record<Patch['language'], string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  fhirpath: 'application/fhir+json',
};

function patchBody(type: ModelType, patch: Patch, system: string): object {
  if (patch.language === 'json') return jsonPatch(type, patch, system);
  return patch.language === 'merge' ? mergePatch(type, patch, system) : fhirpathPatch(type, patch, system);
}

function jsonPatch(type: ModelType, { what, word, numbers }: Patch, system: string): object {
  const path = `/${wordElement[type]}`;
  if (what === 'word') return [{ op: 'replace', path, value: words[type][word] }];
  if (what === 'numbers') return [{ op: 'add', path: '/identifier', value: numbers.map(identifier(system)) }];
  if (what === 'drop') return [{ op: 'remove', path: '/identifier/0' }];
  if (what === 'invalid') return [{ op: 'replace', path, value: 'nonsense' }];
  const test = { op: 'test', path: '/id', value: 'another' };
  return what === 'fails' ? [{ op: 'replace', path, value: words[type][word] }, test] : { operations: [test] };
}

function mergePatch(type: ModelType, { what, word, numbers }: Patch, system: string): object {
  const element = wordElement[type];
  if (what === 'word') return { [element]: words[type][word] };
  if (what === 'numbers') return { identifier: numbers.map(identifier(system)) };
  if (what === 'drop') return { identifier: null };
  if (what === 'invalid') return { [element]: 'nonsense' };
  return what === 'fails' ? { [element]: words[type][word], id: 'another' } : [{ [element]: 'nonsense' }];
}

function fhirpathPatch(type: ModelType, { what, word, numbers }: Patch, system: string): object {
  const path = `${type}.${wordElement[type]}`;
  const replace = (value: string, at = path) => operation('replace', at, { name: 'value', valueCode: value });
  const parameter: Readonly<Record<Patch['what'], object>> = {
    word: replace(words[type][word] ?? ''),
    numbers: operation(
      'add',
      type,
      { name: 'name', valueString: 'identifier' },
      { name: 'value', valueIdentifier: identifier(system)(numbers[0] ?? 0) },
    ),
    drop: operation('delete', `${type}.identifier[0]`),
    invalid: replace('nonsense'),
    fails: replace('x', `${type}.language`),
    malformed: operation('exchange', path),
  };
  return { resourceType: 'Parameters', parameter: [parameter[what]] };
}

function operation(type: string, path: string, ...more: object[]): object {
  return { name: 'operation', part: [{ name: 'type', valueCode: type }, { name: 'path', valueString: path }, ...more] };
}

/** In a bundle a patch that is no resource stands in a Binary: https://hl7.org/fhir/R4/http.html#patch */
export function entryOf({ method, path, body, headers }: Rendered, fullUrl?: string): object {
  const contentType = headers['Content-Type'];
  const isBinary = contentType !== undefined && contentType !== contentTypes.fhirpath;
  const resource = isBinary ? binaryOf(contentType, body) : body;
  const named = [
    ['ifMatch', 'If-Match'],
    ['ifNoneMatch', 'If-None-Match'],
    ['ifNoneExist', 'If-None-Exist'],
  ] as const;
  const conditions = named.flatMap(([member, name]) => (headers[name] === undefined ? [] : [[member, headers[name]]]));
  return {
    ...(fullUrl && { fullUrl }),
    ...(resource && { resource }),
    request: { method, url: path.slice(1), ...Object.fromEntries(conditions) },
  };
}

function binaryOf(contentType: string, body: unknown): object {
  return { resourceType: 'Binary', contentType, data: Buffer.from(JSON.stringify(body)).toString('base64') };
}
