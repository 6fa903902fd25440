// Paths, media types and header names of the exchange between a node (or a hub) and the next hub. Used by both ends.

export const protobufType = 'application/x-protobuf';
export const partialUploadType = 'application/partial-upload';

export const paths = {
  session: '/v1/session',
  envelopes: '/v1/envelopes',
  poll: '/v1/poll',
  statements: '/v1/statements',
  defer: '/v1/defer',
  directory: '/v1/directory',
  uploads: '/v1/uploads',
  deliveries: '/v1/deliveries',
  sent: '/v1/sent',
  goodbye: '/v1/goodbye',
  renew: '/v1/renew',
  removals: '/v1/removals',
} as const;

/** On the enrolment listener, which asks for no client certificate. */
export const enrolPaths = {
  root: '/enrol/v1/root',
  enrol: '/enrol/v1/enrol',
  time: '/enrol/v1/time',
  /** PEM revocation lists of the hub's issuing CAs. */
  crl: '/enrol/v1/crl',
  /** DirectoryAnswer with the root hand-overs alone: for a node that no connection succeeds with. */
  handovers: '/enrol/v1/handovers',
} as const;

/** Instance number taken with a session; on every request after it. */
export const instanceHeader = 'lt-instance';
/** Versions of this protocol that the program speaks, best first: N and N−1. */
export const versions = [1] as const;
