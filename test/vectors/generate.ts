// Writes the JSON files beside it: bytes that every reader of the protocol must judge alike. Run by hand after a change of the protocol:
//   node test/vectors/generate.ts [NAME…]
// Keys, ids and times are fixed; ECDSA signatures are random, so a new run changes them and nothing else. Never run by a test.
import type { KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { changeFiles, envelopeFiles } from './generate-envelopes.ts';
import { statementFiles } from './generate-statements.ts';
import { valueFiles } from './generate-values.ts';
import { keys, type VectorFile, vectorPath } from '../support/vectors.ts';

const keyFile: VectorFile<object> = {
  about:
    'Keys of the vectors. privateKey is the P-256 number d in hex, spki the DER SubjectPublicKeyInfo, keyId its SHA-256. The "directory" of the vectors names exactly these keys, each for its unit or hub.',
  vectors: keys.map(({ name, kind, id, signing, publicKey }) => ({
    name,
    kind,
    id,
    keyId: signing.keyId.toString('hex'),
    spki: publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
    privateKey: Buffer.from((signing.privateKey as KeyObject).export({ format: 'jwk' }).d!, 'base64url').toString('hex'),
  })),
};

const files: Record<string, VectorFile<object>> = {
  keys: keyFile,
  ...envelopeFiles(),
  ...changeFiles(),
  ...statementFiles(),
  ...valueFiles(),
};
/** Only these, where some are named: the others keep their signatures. */
const wanted = process.argv.slice(2);
for (const [name, file] of Object.entries(files).filter(([name]) => wanted.length === 0 || wanted.includes(name)))
  writeFileSync(vectorPath(name), `${JSON.stringify(file, null, 1)}\n`);
console.log(
  Object.entries(files)
    .map(([name, { vectors }]) => `${name} ${vectors.length}`)
    .join(', '),
);
