// Who must have a second factor: the clinic's setting `second-factor.required`.

export const secondFactorPolicies = ['none', 'admins', 'all'] as const;
export type SecondFactorPolicy = (typeof secondFactorPolicies)[number];

/** `operations` are those of the person's roles. */
export function requiresSecondFactor(policy: SecondFactorPolicy, operations: ReadonlySet<string>): boolean {
  return policy === 'all' || (policy === 'admins' && operations.has('op:admin'));
}
