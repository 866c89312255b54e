// The same as search-agreement.test.ts with far more searches: https://hl7.org/fhir/R4/search.html

import { testAgreement } from './search-agreement.ts';

testAgreement(20_000);
