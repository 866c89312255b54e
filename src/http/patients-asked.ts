// Whom a search asks about, whether or not it finds anything: https://profiles.ihe.net/ITI/BALP/content.html#patientquery

/** `Patient/id` anywhere in a value, such as a whole URL or a `_filter`. */
const reference = /(?:^|[^A-Za-z])(Patient\/[A-Za-z0-9\-.]{1,64})/g;
const bareId = /^[A-Za-z0-9\-.]{1,64}$/;
/** Parameters whose values are ids of patients, also at the end of a chain. */
const ofPatients = /(?:^|[.:])patient$|:Patient$/;
const searchOfPatients = /^Patient(?:\/_search)?$/;

/** As `Patient/id`, of what stands before and behind the question mark. */
export function patientsAsked(path: string, query: string): Set<string> {
  const found = new Set<string>();
  if (query === '') return found;
  const isOfPatients = searchOfPatients.test(path);
  for (const [name, value] of new URLSearchParams(query)) {
    for (const [, patient = ''] of value.matchAll(reference)) found.add(patient);
    if (!ofPatients.test(name) && !(isOfPatients && name === '_id')) continue;
    for (const id of value.split(',')) if (bareId.test(id)) found.add(`Patient/${id}`);
  }
  return found;
}
