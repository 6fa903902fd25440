// Names of glyphs in /Differences -> Unicode (Adobe's list, as far as Latin and Vietnamese text needs it). Pure. A name that is not known
// gives nothing, and the text counts as undecodable rather than as wrong.

const marks: Readonly<Record<string, string>> = {
  acute: '\u0301',
  grave: '\u0300',
  hookabove: '\u0309',
  tilde: '\u0303',
  dotbelow: '\u0323',
  circumflex: '\u0302',
  breve: '\u0306',
  horn: '\u031b',
  dieresis: '\u0308',
  caron: '\u030c',
  cedilla: '\u0327',
  ring: '\u030a',
  macron: '\u0304',
};
const other: Readonly<Record<string, string>> = Object.fromEntries(
  (
    'space:  nbspace:  exclam:! quotedbl:" numbersign:# dollar:$ percent:% ampersand:& quotesingle:\' parenleft:( parenright:) asterisk:* ' +
    'plus:+ comma:, hyphen:- period:. slash:/ zero:0 one:1 two:2 three:3 four:4 five:5 six:6 seven:7 eight:8 nine:9 colon:: semicolon:; less:< ' +
    'equal:= greater:> question:? at:@ bracketleft:[ backslash:\\ bracketright:] underscore:_ braceleft:{ bar:| braceright:} endash:– emdash:— ' +
    'bullet:• quoteleft:‘ quoteright:’ quotedblleft:“ quotedblright:” ellipsis:… Dcroat:Đ dcroat:đ Dslash:Đ dmacron:đ Eth:Đ eth:đ fi:fi fl:fl ' +
    'section:§ degree:° periodcentered:· guillemotleft:« guillemotright:» Ohorn:Ơ ohorn:ơ Uhorn:Ư uhorn:ư dotlessi:ı'
  )
    .split(' ')
    .map((pair) => [pair.slice(0, pair.indexOf(':')), pair.slice(pair.indexOf(':') + 1)] as const)
    .map(([name, text]) => [name, text === '' ? ' ' : text]),
);

/** undefined: unknown. */
export function glyphText(name: string): string | undefined {
  const plain = name.replace(/\..*$/, '');
  if (/^[A-Za-z]$/.test(plain)) return plain;
  if (plain in other) return other[plain];
  const hex = /^(?:uni((?:[0-9A-F]{4})+)|u([0-9A-F]{4,6}))$/.exec(plain);
  if (hex?.[1])
    return String.fromCharCode(...hex[1].match(/.{4}/g)!.map((code) => Number.parseInt(code, 16)));
  if (hex?.[2]) return codePoint(Number.parseInt(hex[2], 16));
  return composed(plain);
}

const codePoint = (code: number): string | undefined =>
  code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? undefined : String.fromCodePoint(code);

/** "Acircumflexdotbelow" -> Ậ. */
function composed(name: string): string | undefined {
  let text = name[0] ?? '';
  if (!/[A-Za-z]/.test(text)) return undefined;
  for (let rest = name.slice(1); rest !== ''; ) {
    const mark = Object.keys(marks).find((word) => rest.startsWith(word));
    if (mark === undefined) return undefined;
    text += marks[mark];
    rest = rest.slice(mark.length);
  }
  return text.normalize('NFC');
}
