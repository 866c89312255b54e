// The profiles all tenants have: this project's own and R4's, loaded once per process.

import { loadDefinitions } from '../../fhir/definitions.ts';
import { ownDefinitions } from './own-definitions.ts';
import { createRegistry, type ProfileRegistry } from './registry.ts';

let loaded: ProfileRegistry | undefined;

/** Costs some ten milliseconds; each profile is compiled when it is first needed. */
export function houseRegistry(): ProfileRegistry {
  loaded ??= createRegistry(loadDefinitions(), ownDefinitions());
  return loaded;
}
