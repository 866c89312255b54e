// The REST interactions against a model of plain maps, in random sequences: https://hl7.org/fhir/R4/http.html

import { testRandomWrites } from './rest-sequences.ts';

testRandomWrites(50);
