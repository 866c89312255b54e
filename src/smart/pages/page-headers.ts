// What browsers are told with every page: nothing runs, nothing frames it, nobody keeps it (https://www.w3.org/TR/CSP3/; security.md 59).

export interface PageHeaderOptions {
  /** Of the app that is to be signed in to, when sending the page's form may end there. */
  readonly redirectUri?: string;
}

/**
 * Chromium holds `form-action` against every redirect that follows a sent form (https://github.com/w3c/webappsec-csp/issues/8), and
 * stays on the page without a word. So the pages before a redirect to an app allow the scheme of its redirect URI: not its
 * origin alone, for an app may send the browser on from there to another one.
 */
export function pageHeaders({ redirectUri }: PageHeaderOptions = {}): Record<string, string> {
  const targets = redirectUri === undefined ? '' : schemesOf(redirectUri);
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      "img-src 'self' data:",
      `form-action 'self'${targets}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    // Not `no-referrer`: forms would then say `Origin: null`, and where they come from is checked.
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
  };
}

/** Empty for what is no address of an app. */
function schemesOf(redirectUri: string): string {
  const protocol = URL.parse(redirectUri)?.protocol;
  if (protocol === undefined || unsafeSchemes.has(protocol)) return '';
  // What is not encrypted, on the app developer's own machine, may go on to what is.
  return protocol === 'http:' ? ' http: https:' : ` ${protocol}`;
}

const unsafeSchemes = new Set(['javascript:', 'data:', 'blob:', 'filesystem:', 'vbscript:', 'about:', 'file:']);
