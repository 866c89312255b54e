// Whatever is stored and asked, the server finds exactly what a plain reading of the specification finds: https://hl7.org/fhir/R4/search.html

import { testAgreement } from './search-agreement.ts';

testAgreement(1_000);
