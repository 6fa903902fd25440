// Is a word a Vietnamese syllable? Onset, rhyme and tone by the rules of spelling; both ways of placing the tone (hoà, hòa). Pure. It knows no
// vocabulary: names of other peoples (Đắk Lắk, Kon Plông) and foreign words are not syllables, which only makes them no evidence.

const rhymes = new Set(
  `a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây
   e ec em en eng eo ep et ê êch êm ên ênh êp êt êu
   i ia ich iêc iêm iên iêng iêp iêt iêu im in inh ip it iu
   o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi om on ong ooc oong op ot
   ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt
   u ua uân uâng uât uây uc uê uêch uênh ui um un ung uôc uôi uôm uôn uông uôt uơ up ut uy uya uych uyên uyêt uyn uynh uyt uyu
   ư ưa ưc ưi ưm ưn ưng ươc ươi ươm ươn ương ươp ươt ươu ưt ưu
   y yêm yên yêng yêt yêu`.split(/\s+/),
);
const onsets = /^(ngh|ng|nh|gh|gi|kh|ch|ph|qu|th|tr|[bcdđghklmnprstvx])?(.*)$/u;
const toneMarks = /[\u0300\u0309\u0303\u0301\u0323]/;
const vowels = /[aăâeêioôơuưy]/;
/** Rhymes without an end consonant in which the tone stands on the first or on the second vowel. */
const eitherPlace = new Set(['oa', 'oe', 'uy']);

/** Where in the rhyme the tone mark may stand. */
function toneFits(rhyme: string, at: number): boolean {
  const marked = [...rhyme].findLastIndex((letter) => /[ăâêôơư]/.test(letter));
  // ưa, ưi and ưu too: the marked letter is the last one that has a mark. ươ carries it on ơ.
  if (marked >= 0) return at === marked;
  const open = [...rhyme].filter((letter) => vowels.test(letter)).length;
  if (open === 1) return at === 0;
  const closed = open < rhyme.length;
  if (open === 2) return eitherPlace.has(rhyme) ? true : closed ? at === 1 : at === 0;
  return at === 1;
}

function rhymeFits(rhyme: string, onset: string, tone: string, at: number): boolean {
  if (!rhymes.has(rhyme)) return false;
  if (/^(ngh|gh)$/.test(onset) && !/^[eêi]/.test(rhyme)) return false;
  if (onset === 'c' && /^[eêiy]/.test(rhyme)) return false;
  if (tone !== '' && !toneFits(rhyme, at)) return false;
  // A stopped syllable has only sắc or nặng.
  return !/(c|ch|p|t)$/.test(rhyme) || tone === '\u0301' || tone === '\u0323';
}

/** `word` in any case and form. A syllable without any mark counts too, if the rules of tone allow it. */
export function isSyllable(word: string): boolean {
  if (word.length > 10) return false;
  const letters = word.toLowerCase().normalize('NFD');
  const marks = letters.match(new RegExp(toneMarks, 'g')) ?? [];
  if (marks.length > 1) return false;
  const tone = marks[0] ?? '';
  const bare = letters.replace(toneMarks, '').normalize('NFC');
  // In letters of `bare`: how many whole letters stand before the tone mark, less one.
  const toneAt =
    tone === '' ? -1 : [...letters.slice(0, letters.search(toneMarks)).normalize('NFC')].length - 1;
  const found = onsets.exec(bare);
  if (!found) return false;
  const [, onset = '', rhyme = ''] = found;
  if (rhymeFits(rhyme, onset, tone, toneAt - onset.length)) return true;
  // gi and qu lend their vowel to the rhyme: gì, giếng, quốc.
  if (onset !== 'gi' && onset !== 'qu') return false;
  const lent = bare.slice(1);
  return rhymeFits(lent, onset[0]!, tone, toneAt - 1);
}
