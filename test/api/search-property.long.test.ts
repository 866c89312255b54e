// The same as search-property.test.ts with far more searches: https://hl7.org/fhir/R4/search.html

import { testRandomSearches } from './random-searches.ts';

testRandomSearches(3_000);
