// Tokens by the grammar of JWTs, changed in their parts: RFC 7519, RFC 7523, RFC 9068

import fc from 'fast-check';
import { type Cut, cuts, type Mutation, mutations } from './mutations.ts';

/** A good token, changed; without any change it is good. */
export interface TokenChange {
  readonly header: readonly Mutation[];
  readonly claims: readonly Mutation[];
  /** The good one, none, one by another key, or the public key used as a secret. */
  readonly signature: 'kept' | 'none' | 'own' | 'hmac';
  readonly cuts: readonly Cut[];
  readonly scheme: string;
}

const pieces = ['', '.', '..', '=', 'eyJ', 'A', ' ', '%00', 'é', '-', '_', '+', '/'];
const none = <T>(): fc.Arbitrary<T[]> => fc.constant([]);

export const tokenChanges: fc.Arbitrary<TokenChange> = fc.record({
  header: fc.oneof(none<Mutation>(), mutations(2)),
  claims: fc.oneof(none<Mutation>(), mutations(2)),
  signature: fc.constantFrom('kept', 'kept', 'none', 'own', 'hmac'),
  cuts: fc.oneof({ arbitrary: none<Cut>(), weight: 3 }, { arbitrary: cuts(2, pieces), weight: 1 }),
  scheme: fc.oneof(
    { arbitrary: fc.constant('Bearer '), weight: 8 },
    { arbitrary: fc.constantFrom('bearer  ', 'Basic ', '', 'Bearer', 'DPoP ', 'Bearer Bearer '), weight: 1 },
  ),
});

export interface AssertionChange {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly header: Readonly<Record<string, unknown>>;
  readonly form: Readonly<Record<string, string>>;
  readonly cuts: readonly Cut[];
}

const odd = fc.constantFrom<unknown>(
  null,
  '',
  0,
  -1,
  1e300,
  [],
  {},
  true,
  'x',
  '../../etc/passwd',
  "' OR 1=1--",
  '\u0000',
  'k'.repeat(3_000),
  ['a', 'b'],
  'http://169.254.169.254/',
);
const someOf = (names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), odd, { maxKeys: 2 });

/** Signed with the registered key, whatever they say. */
export const assertionChanges: fc.Arbitrary<AssertionChange> = fc.record({
  claims: fc.oneof(
    fc.constant({}),
    someOf(['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti', 'scope', 'x', '__proto__']),
  ),
  header: fc.oneof(fc.constant({}), someOf(['kid', 'typ', 'jku', 'x5u', 'x', 'cty'])),
  form: fc.oneof(
    fc.constant({}),
    fc.dictionary(
      fc.constantFrom('scope', 'client_id', 'client_secret', 'resource', 'grant_type'),
      fc.constantFrom('', 'x', 'system/*.rs', 'patient/*.*x', 'password', '\u0000', 's'.repeat(3_000)),
      { maxKeys: 2 },
    ),
  ),
  cuts: fc.oneof({ arbitrary: none<Cut>(), weight: 4 }, { arbitrary: cuts(2, pieces), weight: 1 }),
});
