// Certificate policies along a path (RFC 5280 §6.1.2–6.1.5) in the form of RFC 9618: one set of valid policies for each level, never the
// tree that grows without bound. The caller's own set is anyPolicy: every policy is acceptable unless a certificate asks for one.
// It must never find an explicit policy valid where the RFC would not.
import type { Parsed } from './parse.ts';
import { Refusal } from './refusal.ts';

const ANY_POLICY = '2.5.29.32.0';

/** What is carried from one certificate to the next. */
export type PolicyState = {
  /** Expected policies of this level. */
  valid: Set<string>;
  any: boolean;
  /** Counters of §6.1.2 (d)–(f): certificates that may still pass; 0 is "in force". */
  explicit: number;
  inhibitAny: number;
  mapping: number;
};

/** `length`: certificates in the path. Nothing is required or forbidden at the start. */
export const policyStart = (length: number): PolicyState => ({
  valid: new Set(),
  any: true,
  explicit: length + 1,
  inhibitAny: length + 1,
  mapping: length + 1,
});

/** §6.1.3 (d)–(f) for one certificate. Throws `policy`, `critical-extension`. */
export function enterPolicies(state: PolicyState, certificate: Parsed, last: boolean): void {
  const { policies, selfIssued, subject } = certificate;
  // §4.2.1.4: qualifiers of a critical extension must be understood or the certificate refused.
  if (policies?.critical && policies.unknownQualifier !== undefined)
    throw new Refusal('critical-extension', `policy qualifier ${policies.unknownQualifier}`, subject.text);
  if (!policies) {
    state.valid = new Set();
    state.any = false;
  } else {
    const anyCounts = policies.oids.includes(ANY_POLICY) && (state.inhibitAny > 0 || (!last && selfIssued));
    const named = policies.oids.filter((oid) => oid !== ANY_POLICY);
    const before = state.any;
    if (!anyCounts) {
      state.valid = new Set([...state.valid].filter((oid) => named.includes(oid)));
      state.any = false;
    }
    if (before) for (const oid of named) state.valid.add(oid);
  }
  assertPolicies(state, certificate);
}

/** §6.1.4 (a), (b), (h)–(j): what this certificate says for those below it. */
export function leavePolicies(state: PolicyState, certificate: Parsed): void {
  mapPolicies(state, certificate.policyMappings);
  if (!certificate.selfIssued) {
    if (state.explicit > 0) state.explicit -= 1;
    if (state.mapping > 0) state.mapping -= 1;
    if (state.inhibitAny > 0) state.inhibitAny -= 1;
  }
  const { requireExplicit = state.explicit, inhibitMapping = state.mapping } = certificate.policyConstraints;
  state.explicit = Math.min(state.explicit, requireExplicit);
  state.mapping = Math.min(state.mapping, inhibitMapping);
  state.inhibitAny = Math.min(state.inhibitAny, certificate.inhibitAnyPolicy ?? state.inhibitAny);
}

function mapPolicies(state: PolicyState, mappings: Parsed['policyMappings']): void {
  if (mappings.length === 0) return;
  const mapped = new Set(mappings.map(([issuer]) => issuer));
  const kept = [...state.valid].filter((oid) => !mapped.has(oid));
  const reached =
    state.mapping > 0
      ? mappings.filter(([issuer]) => state.any || state.valid.has(issuer)).map(([, subject]) => subject)
      : [];
  state.valid = new Set([...kept, ...reached]);
}

/** §6.1.5 (a), (b), (g), after the last certificate. */
export function endPolicies(state: PolicyState, last: Parsed): void {
  if (state.explicit > 0) state.explicit -= 1;
  if (last.policyConstraints.requireExplicit === 0) state.explicit = 0;
  assertPolicies(state, last);
}

function assertPolicies({ explicit, valid, any }: PolicyState, { subject }: Parsed): void {
  if (explicit === 0 && valid.size === 0 && !any)
    throw new Refusal('policy', 'an explicit policy is required and none is valid', subject.text);
}
