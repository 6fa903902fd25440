// Six spoken words that stand for a set of public keys, so that two people can compare them by telephone.
// The list is part of the protocol: one changed syllable makes new and old versions disagree; a test holds its hash.
// Last step of enrolment: the clerk reads the words of the box's keys, the hub's operator sees the same ones. Pure.
import { createHash } from 'node:crypto';

/** Spelled per vowel group below. d stands for đ too: without marks both are written so, and only once in the list. */
// biome-ignore format: a table
const onsets = [
  '', 'b', 'c', 'ch', 'd', 'g', 'h', 'kh', 'l', 'm', 'n', 'ng', 'nh', 'ph', 'qu', 'r', 's', 't', 'th', 'tr', 'v', 'x',
] as const;

/** Everyday rhymes, without those that differ only in -n/-ng or -t/-c after the same vowel where dialects merge them. */
// biome-ignore format: a table
const rhymes = [
  'a', 'ai', 'am', 'an', 'ao', 'ap', 'at', 'au', 'ay', 'anh', 'ach',
  'e', 'em', 'en', 'eo', 'ep', 'et', 'inh', 'ich',
  'i', 'im', 'in', 'iu', 'ia', 'iem', 'ien', 'iet', 'ieu',
  'o', 'oi', 'om', 'on', 'op', 'ot', 'oa', 'oan', 'oai',
  'u', 'ui', 'um', 'ung', 'uc', 'ua', 'uoi', 'uom', 'uong', 'uoc', 'uot', 'uu',
  'uy', 'uyen', 'uyet', 'uan', 'uat', 'ue', 'oe', 'uynh', 'oang', 'oat', 'oanh',
] as const;

/** Vulgar, insulting or unlucky when said by telephone in an office (read with any tone). */
const unfit = new Set(
  'lon cac buoi cu dit du di deo cut ia dai dam ngu cho chet chem giet ma quy dien khung hiep chui dau om dom loi duoi teo thoi vu bu bop phan'.split(
    ' ',
  ),
);

export const WORDS_LISTED = 1024;
export const WORDS_SPOKEN = 6;
const BITS_PER_WORD = 10;

/** Quốc ngữ spelling, or undefined where the pair cannot be written or said. */
function syllable(onset: string, rhyme: string): string | undefined {
  const front = /^[ei]/.test(rhyme);
  const glide = /^(o[ae]|uy|ue|ua[nt])/.test(rhyme);
  // Lips cannot round after a labial; qu- is rounded itself; g-, n- and r- have no such words.
  if (glide && ['b', 'm', 'ph', 'v', 'qu', 'g', 'n', 'r'].includes(onset)) return undefined;
  if (onset === 'qu' && /^[ou]|^i[aeu]/.test(rhyme)) return undefined;
  if (onset === '' && /^i[ae]/.test(rhyme)) return undefined;
  if (onset === 'c') return glide ? undefined : `${front ? 'k' : 'c'}${rhyme}`;
  if (front && (onset === 'g' || onset === 'ng')) return `${onset}h${rhyme}`;
  return `${onset}${rhyme}`;
}

function build(): readonly string[] {
  const list = new Set<string>();
  for (const rhyme of rhymes)
    for (const onset of onsets) {
      const word = syllable(onset, rhyme);
      if (word !== undefined && word.length > 1 && !unfit.has(word)) list.add(word);
    }
  const words = [...list].slice(0, WORDS_LISTED);
  if (words.length !== WORDS_LISTED) throw new Error(`the tables give ${words.length} syllables`);
  return words;
}

/** 1,024 distinct Vietnamese syllables without marks, in a fixed order. */
export const wordList: readonly string[] = build();

/**
 * Six words, joined by hyphens: 60 bits of SHA-256 over the SubjectPublicKeyInfos, sorted, each once and with its length. The
 * order of the keys does not matter. Forging a match takes about 2^60 key pairs, each for one box and one telephone call.
 */
export function wordsOfKeys(publicKeysDer: readonly Uint8Array[]): string {
  const sorted = publicKeysDer.map((key) => Buffer.from(key)).sort(Buffer.compare);
  const hash = createHash('sha256').update('lienthong words of keys v1\0');
  for (const [i, key] of sorted.entries()) {
    if (i > 0 && key.equals(sorted[i - 1]!)) continue;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(key.length);
    hash.update(length).update(key);
  }
  let bits = BigInt(`0x${hash.digest('hex')}`) >> BigInt(256 - WORDS_SPOKEN * BITS_PER_WORD);
  const words: string[] = [];
  for (let i = 0; i < WORDS_SPOKEN; i++) {
    words.unshift(wordList[Number(bits & 1023n)]!);
    bits >>= 10n;
  }
  return words.join('-');
}
