// What the screen shows when the server is ready: where it is, and two console lines to try it.

import type { DemoFacts } from './demo-tenant.ts';

/** `logFile` is where the log goes when it does not go to the screen. */
export function welcome(facts: DemoFacts, seconds: string, logFile: string | undefined): string {
  const { fhirBaseUrl, tokenUrl, tenant, clientId, clientSecret, staff, password, file } = facts;
  return `
HPMS is ready after ${seconds} s. Ctrl-C stops it.

  FHIR base      ${fhirBaseUrl}
  Token URL      ${tokenUrl}
  Tenant         ${tenant}
  Client         ${clientId}
  Secret         ${clientSecret}
  (also in ${file})
${logFile === undefined ? '' : `  Log            ${logFile}\n`}
Get a token and search patients:

  TOKEN=$(curl -s -u '${clientId}:${clientSecret}' -d grant_type=client_credentials ${tokenUrl} \\
    | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -s -H "Authorization: Bearer $TOKEN" '${fhirBaseUrl}/Patient?_count=5'

Run the main job, from a bundle to an invoice, in another console:

  npm run demo

Make and administer tenants (${fhirBaseUrl.replace(/\/t\/.*/, '')}/openapi.json says how):

  npm run admin -- create-system-client

Staff of the demo clinic, all with the password ${password}:

${staff.map(({ email, role }) => `  ${email.padEnd(36)} ${role}`).join('\n')}
`;
}
