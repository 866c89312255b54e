// Hands a request to oidc-provider as if it had come to the configured public URL, and takes its answer.

import type Koa from 'koa';
import { FhirError } from '../fhir/outcome.ts';
import type { OidcContext, OidcProvider } from './oidc-provider.ts';
import { networkOf } from './throttle.ts';
import { replay } from './token-request.ts';
import type { IssuerUrls } from './urls.ts';

export interface RunContext {
  readonly urls: IssuerUrls;
  /** Made on first use: most processes see few tenants' requests. */
  readonly provider: () => OidcProvider;
  readonly onError: (error: unknown) => void;
}

export interface ProviderRequest {
  readonly method: 'GET' | 'POST';
  /** Below the issuer, with its query. */
  readonly path: string;
  readonly body: Buffer;
}

export interface ProviderAnswer {
  /** Set when the database is gone for a moment. */
  readonly unavailable: FhirError | undefined;
  /** What oidc-provider has looked up. */
  readonly inner: OidcContext;
}

export async function runProvider(
  { urls, provider, onError }: RunContext,
  ctx: Koa.Context,
  request: ProviderRequest,
): Promise<ProviderAnswer> {
  const isSecure = urls.issuer.startsWith('https:');
  const inner = provider().createContext(replay(ctx, { ...request, isSecure }), ctx.res) as OidcContext;
  // With these two oidc-provider builds every URL, such as the accepted `aud`, from ours instead of the Host header.
  inner.request.originalUrl = urls.issuer + request.path;
  inner.mountPath = urls.basePath;
  inner.request.ip = networkOf(ctx.ip);
  // Its router is the only middleware it has.
  await provider().middleware[0]?.(inner, async () => undefined);
  ctx.status = inner.status;
  ctx.body = inner.body;
  // Who may read this in a browser is said in http/middleware/cors.ts.
  for (const name of Object.keys(ctx.response.headers)) if (name.startsWith('access-control-')) ctx.remove(name);
  const failure: unknown = inner.state.failure;
  const unavailable = failure instanceof FhirError && failure.status === 503 ? failure : undefined;
  if (failure !== undefined && !unavailable) onError(failure);
  return { unavailable, inner };
}
