// What the CapabilityStatement declares of every tenth type gives the right result; of all types: capabilities-walk.long.test.ts.

import './walk-capabilities.ts';
