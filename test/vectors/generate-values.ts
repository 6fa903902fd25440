// Values without signatures: pre-authentication encoding, key ids, Merkle paths, chunk trees, metadata digests, invitations, words.
// Only generate.ts imports it.
import { hash } from 'node:crypto';
import { formatInvitation, hashSecret } from '../../certs/invitation.ts';
import { wordList, wordsOfKeys } from '../../certs/words.ts';
import { createChunkHasher } from '../../protocol/chunks.ts';
import { metadataCodec } from '../../protocol/codec.ts';
import { uuidFromBytes } from '../../protocol/ids.ts';
import { limits } from '../../protocol/limits.ts';
import { leafHash, nodeHash, pathOf, treeLevels } from '../../protocol/merkle.ts';
import { metadataDigest } from '../../protocol/seal.ts';
import { signingInput } from '../../protocol/signature.ts';
import { fixedBytes, hub, keys, recipient, sender, toBytes, type VectorFile } from '../support/vectors.ts';
import { header, metadata } from './generate-envelopes.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function encodings(): object[] {
  const vector = (name: string, context: string, type: string, bytes: Uint8Array) => ({
    name,
    clause: '4.1',
    context,
    type,
    bytes: hex(bytes),
    input: hex(signingInput(context, type, bytes)),
    leaf: hex(leafHash(signingInput(context, type, bytes))),
  });
  const root = Buffer.alloc(36);
  root.writeUInt32BE(7);
  fixedBytes('root', 32).copy(root, 4);
  return [
    vector('header', 'lienthong v1 seal', 'lienthong/header/1', Buffer.from('header')),
    vector('receipt', 'lienthong v1 receipt', 'lienthong/receipt/1', Buffer.from('receipt')),
    vector('notice, nothing inside', 'lienthong v1 notice', 'lienthong/notice/1', Buffer.alloc(0)),
    vector('hop', 'lienthong v1 hop', 'lienthong/hop/1', Buffer.from('hop')),
    vector('epoch', 'lienthong v1 epoch', 'lienthong/epoch/1', Buffer.from('epoch')),
    vector('directory', 'lienthong v1 directory', 'lienthong/directory/1', Buffer.from('directory')),
    vector('Merkle root of seven leaves', 'lienthong v1 merkle root', '', root),
  ];
}

function merkle(): object[] {
  const entries = Array.from({ length: 70 }, (_, i) => fixedBytes(`leaf ${i}`, 8));
  const leaves = entries.map(leafHash);
  const out: object[] = [];
  const add = (
    name: string,
    leaf: Uint8Array,
    at: { index: number; count: number },
    path: Uint8Array[],
    root: Uint8Array | null,
  ) =>
    out.push({ name, clause: '4.3', leaf: hex(leaf), ...at, path: path.map(hex), root: root && hex(root) });
  for (const [count, index] of [
    [1, 0],
    [2, 0],
    [2, 1],
    [3, 2],
    [5, 4],
    [7, 3],
    [8, 7],
    [64, 33],
    [70, 69],
  ] as const) {
    const levels = treeLevels(leaves.slice(0, count));
    add(
      `leaf ${index} of ${count}`,
      leaves[index]!,
      { index, count },
      pathOf(levels, index),
      levels.at(-1)![0]!,
    );
  }
  const levels = treeLevels(leaves.slice(0, 7));
  const path = pathOf(levels, 3);
  const of = (index: number, count: number) => ({ index, count });
  const node = nodeHash(leaves[2]!, leaves[3]!);
  add(
    'another index: another root',
    leaves[3]!,
    of(2, 7),
    path,
    nodeHash(nodeHash(levels[1]![0]!, nodeHash(leaves[3]!, path[0]!)), path[2]!),
  );
  add('index not below count', leaves[3]!, of(7, 7), path, null);
  add('count 0', leaves[3]!, of(0, 0), [], null);
  add('path too short', leaves[3]!, of(3, 7), path.slice(0, -1), null);
  add('path too long', leaves[3]!, of(3, 7), [...path, path[0]!], null);
  add('single leaf with a path', leaves[0]!, of(0, 1), [leaves[1]!], null);
  add(
    'node given as leaf of the upper levels: the shape of count 7 asks for a longer path',
    node,
    of(1, 7),
    path.slice(1),
    null,
  );
  add('sibling of 31 bytes', leaves[3]!, of(3, 7), [path[0]!.subarray(1), ...path.slice(1)], null);
  return out;
}

/** Byte i of the content is i mod 251. */
function chunkTrees(): object[] {
  const content = Buffer.alloc(5 * limits.chunkBytes + 1);
  for (let i = 0; i < content.length; i++) content[i] = i % 251;
  return [
    0,
    1,
    limits.chunkBytes - 1,
    limits.chunkBytes,
    limits.chunkBytes + 1,
    3 * limits.chunkBytes,
    content.length,
  ].map((length) => {
    const hasher = createChunkHasher();
    hasher.update(content.subarray(0, length));
    const { sha256, treeRoot, leaves } = hasher.finish();
    return {
      name: `${length} bytes`,
      clause: '7.1',
      lengthBytes: length,
      sha256: hex(sha256),
      treeRoot: hex(treeRoot),
      leaves: hex(leaves),
    };
  });
}

function metadataDigests(): object[] {
  const vector = (name: string, salt: Uint8Array, block: Uint8Array) => ({
    name,
    clause: '5.3',
    salt: hex(salt),
    block: toBytes(block),
    digest: hex(metadataDigest({ salt, block })),
    lengthBytes: block.length,
  });
  return [
    vector('metadata of the envelopes', metadata.salt, metadata.block),
    vector('empty block', fixedBytes('salt 2', 32), Buffer.alloc(0)),
    vector(
      'extra JSON of 16 KiB',
      fixedBytes('salt 3', 32),
      metadataCodec.encode({ extraJson: `{"a":"${'x'.repeat(16_376)}"}` }),
    ),
  ];
}

function invitations(): object[] {
  const invitation = {
    url: 'https://hub.example.vn:8443/',
    rootFingerprint: hash('sha256', 'root certificate', 'buffer'),
    secret: fixedBytes('secret', 20),
  };
  const text = formatInvitation(invitation);
  const base = {
    clause: '13.2',
    url: invitation.url,
    rootFingerprint: hex(invitation.rootFingerprint),
    secret: hex(invitation.secret),
    secretHash: hashSecret(invitation.secret),
  };
  const good = (name: string, written: string) => ({ name, ...base, text: written, expect: 'ok' });
  const bad = (name: string, written: string) => ({
    name,
    clause: '13.2',
    text: written,
    expect: 'invitation-damaged',
  });
  const swap = (at: number) => text.slice(0, at) + (text[at] === '7' ? '8' : '7') + text.slice(at + 1);
  const lettersRead = (written: string) =>
    `lienthong-${written.slice(10).replaceAll('0', 'O').replaceAll('1', 'l')}`;
  return [
    good('as written', text),
    good('in capitals', text.toUpperCase()),
    good(
      'wrapped by a mail program',
      `> ${text.slice(0, 60)}\r\n> ${text.slice(60, 120)}\r\n> ${text.slice(120)}`,
    ),
    good(
      'with a long dash, quotes and a zero-width space',
      `“${text.replace('-', '–').slice(0, 40)}\u200b${text.slice(40)}”`,
    ),
    good('0 and 1 read as O and l', lettersRead(text)),
    bad('last letter missing', text.slice(0, -1)),
    bad('one letter changed', swap(40)),
    bad('two letters exchanged', text.slice(0, 30) + text[31] + text[30] + text.slice(32)),
    bad('second line missing', text.slice(0, 60)),
    bad('another prefix', text.replace('lienthong', 'lienthonh')),
    bad('empty', ''),
  ];
}

function words(): object[] {
  const spki = keys.map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'der' }));
  const vector = (name: string, list: Buffer[]) => ({
    name,
    clause: '13.5',
    keys: list.map(hex),
    words: wordsOfKeys(list),
  });
  return [
    {
      name: 'the list',
      clause: '13.5',
      keys: [],
      list: wordList.join(' '),
      sha256: hash('sha256', wordList.join('\n')),
    },
    vector('two keys', [spki[0]!, spki[1]!]),
    vector('the same two keys, other order', [spki[1]!, spki[0]!]),
    vector('a key given twice', [spki[0]!, spki[1]!, spki[0]!]),
    vector('one key', [spki[2]!]),
  ];
}

function ids(): object[] {
  return [
    { name: 'unit', clause: '2.1', kind: 'unit', text: sender.id, good: true },
    { name: 'unit, recipient', clause: '2.1', kind: 'unit', text: recipient.id, good: true },
    { name: 'hub', clause: '2.1', kind: 'hub', text: hub.id, good: true },
    { name: 'hub id as unit id', clause: '2.1', kind: 'unit', text: hub.id, good: false },
    { name: 'capitals', clause: '2.1', kind: 'unit', text: sender.id.toUpperCase(), good: false },
    { name: '16 letters', clause: '2.1', kind: 'unit', text: sender.id.slice(0, 16), good: false },
    { name: 'letter i', clause: '2.1', kind: 'unit', text: `ui${sender.id.slice(2)}`, good: false },
    { name: 'letter u', clause: '2.1', kind: 'unit', text: `uu${sender.id.slice(2)}`, good: false },
    { name: 'line end', clause: '2.1', kind: 'unit', text: `${sender.id}\n`, good: false },
    {
      name: 'envelope id',
      clause: '2.2',
      kind: 'envelope',
      text: uuidFromBytes(header.envelopeId),
      good: true,
    },
    {
      name: 'envelope id in capitals',
      clause: '2.2',
      kind: 'envelope',
      text: uuidFromBytes(header.envelopeId).toUpperCase(),
      good: false,
    },
    {
      name: 'envelope id without hyphens',
      clause: '2.2',
      kind: 'envelope',
      text: hex(header.envelopeId),
      good: false,
    },
  ];
}

export function valueFiles(): Record<string, VectorFile<object>> {
  return {
    encodings: {
      about: 'Pre-authentication encoding (input) and the leaf of it, all in hex.',
      vectors: encodings(),
    },
    merkle: {
      about: 'root is what leaf, index, count and path give, or null where the shape does not fit.',
      vectors: merkle(),
    },
    'chunk-trees': {
      about:
        'Content of the given length whose byte i is i mod 251. leaves is the chunk hashes one after the other.',
      vectors: chunkTrees(),
    },
    metadata: { about: 'digest = SHA-256(salt || block).', vectors: metadataDigests() },
    invitations: { about: 'Texts of invitations and what they carry.', vectors: invitations() },
    words: {
      about:
        'Six words of a set of SubjectPublicKeyInfos (DER, hex); sha256 is of the words joined by line feeds.',
      vectors: words(),
    },
    ids: { about: 'Texts that are, or are not, ids of the kind.', vectors: ids() },
  };
}
