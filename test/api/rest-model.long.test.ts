// The same as rest-model.test.ts with far more sequences: https://hl7.org/fhir/R4/http.html

import { testRandomWrites } from './rest-sequences.ts';

testRandomWrites(1_000);
