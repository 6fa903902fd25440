// What the bytes of fonts made before Unicode mean: TCVN3 (ABC, ".VnTime") and VNI, as the samples of other people's converters agree. Pure.
// Used where a PDF's text has to be read (page-text.ts); nothing here guesses which font a text was set in.

/** Letters of TCVN3 by their byte, in hexadecimal. The "H" fonts show all of them as capitals. */
const tcvn3Bytes =
  'A1ĂA2ÂA3ÊA4ÔA5ƠA6ƯA7ĐA8ăA9âAAêABôACơADưAEđB5àB6ảB7ãB8áB9ạBBằBCẳBDẵBEắC6ặC7ầC8ẩC9ẫCAấCBậCCèCEẻCFẽD0éD1ẹD2ềD3ểD4ễD5ếD6ệD7ìD8ỉDCĩDDíDEịDFòE1ỏE2õE3óE4ọE5ồE6ổE7ỗE8ốE9ộEAờEBởECỡEDớEEợEFùF1ủF2ũF3úF4ụF5ừF6ửF7ữF8ứF9ựFAỳFBỷFCỹFDýFEỵ';
/** VNI writes a letter as one or two Latin-1 letters: [Unicode, VNI]. */
const vniPairs =
  'ÁAÙ áaù ÀAØ àaø ẢAÛ ảaû ÃAÕ ãaõ ẠAÏ ạaï ÂAÂ âaâ ẤAÁ ấaá ẦAÀ ầaà ẨAÅ ẩaå ẪAÃ ẫaã ẬAÄ ậaä ĂAÊ ăaê ẮAÉ ắaé ẰAÈ ằaè ẲAÚ ẳaú ẴAÜ ẵaü ẶAË ặaë ĐÑ đñ ÉEÙ éeù ÈEØ èeø ẺEÛ ẻeû ẼEÕ ẽeõ ẸEÏ ẹeï ÊEÂ êeâ ẾEÁ ếeá ỀEÀ ềeà ỂEÅ ểeå ỄEÃ ễeã ỆEÄ ệeä ỈÆ ỉæ ĨÓ ĩó ỊÒ ịò ÓOÙ óoù ÒOØ òoø ỎOÛ ỏoû ÕOÕ õoõ ỌOÏ ọoï ÔOÂ ôoâ ỐOÁ ốoá ỒOÀ ồoà ỔOÅ ổoå ỖOÃ ỗoã ỘOÄ ộoä ƠÔ ơô ỚÔÙ ớôù ỜÔØ ờôø ỞÔÛ ởôû ỠÔÕ ỡôõ ỢÔÏ ợôï ÚUÙ úuù ÙUØ ùuø ỦUÛ ủuû ŨUÕ ũuõ ỤUÏ ụuï ƯÖ ưö ỨÖÙ ứöù ỪÖØ ừöø ỬÖÛ ửöû ỮÖÕ ữöõ ỰÖÏ ựöï ÝYÙ ýyù ỲYØ ỳyø ỶYÛ ỷyû ỸYÕ ỹyõ ỴÎ ỵî';

const tcvn3 = new Map<string, string>();
for (const [, hex, letter] of tcvn3Bytes.matchAll(/([0-9A-F]{2})(.)/gu))
  tcvn3.set(String.fromCharCode(Number.parseInt(hex!, 16)), letter!);
const vni = new Map<string, string>();
for (const pair of vniPairs.split(' ')) {
  const [letter, ...rest] = [...pair];
  vni.set(rest.join(''), letter!);
}

export type LegacyFont = 'tcvn3' | 'tcvn3-capitals' | 'vni';

/** By the name of the font: ".VnTime", ".VnTimeH", "VNI-Times". */
export function legacyFont(baseFont: string): LegacyFont | undefined {
  const name = baseFont.replace(/^[A-Z]{6}\+/, '');
  if (/^\.?Vn[A-Z3]/.test(name)) return /H(?:$|[,-]|Bold|Italic)/.test(name) ? 'tcvn3-capitals' : 'tcvn3';
  return /^VNI[-_ A-Z]/.test(name) ? 'vni' : undefined;
}

/** Latin-1 text of such a font in Unicode. VNI composes over two letters, so hand in whole runs. */
export function fromLegacy(text: string, font: LegacyFont): string {
  if (font === 'vni') {
    let out = '';
    for (let at = 0; at < text.length; ) {
      const two = vni.get(text.slice(at, at + 2));
      out += two ?? vni.get(text[at]!) ?? text[at];
      at += two === undefined ? 1 : 2;
    }
    return out;
  }
  const read = [...text].map((letter) => tcvn3.get(letter) ?? letter).join('');
  return font === 'tcvn3' ? read : read.toUpperCase();
}
