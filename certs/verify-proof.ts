// Verifies one proof file with nothing but the file and the trusted root: certificates, directory, then every signature and binding.
// It must never reach for a network, a store or today's clock: a proof says the same in twenty years.
// Last step of a document's path.

import type { Directory } from '../protocol/directory.ts';
import { decodeProof, judgeProof, type ProvenFacts } from '../protocol/proof.ts';
import { createEvidence, type EvidenceSources } from './evidence.ts';

export type VerifiedProof = { readonly facts: ProvenFacts; readonly directory: Directory };

/**
 * Throws the code of the first thing that does not hold: `proof-invalid`, `signature-invalid`, `merkle-proof-invalid`,
 * `signer-*`, `certificate-*`, `statement-*`, `metadata-mismatch`, `header-*`. A changed byte anywhere is one of them.
 */
export function verifyProof(bytes: Uint8Array, rootDer: EvidenceSources['rootDer']): VerifiedProof {
  const proof = decodeProof(bytes);
  const { directory, signers } = createEvidence({
    rootDer,
    certificates: proof.certificates,
    directory: proof.directory,
    directoryRequired: true,
  });
  return { facts: judgeProof(proof, signers), directory };
}
