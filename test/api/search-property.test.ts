// Whatever is stored and asked, the database finds exactly what a plain reading of the specification finds: https://hl7.org/fhir/R4/search.html

import { testRandomSearches } from './random-searches.ts';

testRandomSearches(150);
