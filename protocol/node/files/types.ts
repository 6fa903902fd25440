// What a file is, by its bytes: declared types and names are known to be wrong. Pure. Says nothing of whether the file is good, except
// where binary data was pushed through a text type on the way (U+FFFD) or a PDF has no end.
import { isUtf8 } from 'node:buffer';

export type FileType = {
  readonly mediaType: string;
  /** Usual name endings, lower case; empty if any would do. */
  readonly endings: readonly string[];
  readonly dangerous: boolean;
};
const type = (mediaType: string, endings = '', dangerous = false): FileType => ({
  mediaType,
  endings: endings === '' ? [] : endings.split(' '),
  dangerous,
});

const replacement = Buffer.from('efbfbd', 'hex');
export const replacementPair = Buffer.concat([replacement, replacement]);

/** [first bytes in hex, type]; the first that fits. */
const magics: readonly (readonly [string, FileType])[] = [
  ['d0cf11e0a1b11ae1', type('application/x-ole-storage', 'doc xls ppt msg vsd dot')],
  ['7b5c727466', type('application/rtf', 'rtf doc')],
  ['89504e470d0a1a0a', type('image/png', 'png')],
  ['ffd8ff', type('image/jpeg', 'jpg jpeg jfif')],
  ['474946383761', type('image/gif', 'gif')],
  ['474946383961', type('image/gif', 'gif')],
  ['49492a00', type('image/tiff', 'tif tiff')],
  ['4d4d002a', type('image/tiff', 'tif tiff')],
  ['0000000c6a502020', type('image/jp2', 'jp2')],
  ['526172211a07', type('application/vnd.rar', 'rar')],
  ['377abcaf271c', type('application/x-7z-compressed', '7z')],
  ['1f8b', type('application/gzip', 'gz tgz')],
  ['424d', type('image/bmp', 'bmp')],
  ['494433', type('audio/mpeg', 'mp3')],
];

const DOS_HEAD_BYTES = 64;
/** Further than any linker puts the newer head, near enough for Windows to look there. */
const NEWER_HEAD_MAX = 1 << 28;

/**
 * "MZ" alone begins one of 65,000 files of any kind. A program has the newer head (PE, NE, LE, LX) where the word at 60 says, or one that lies behind what is
 * looked at, or pages as DOS counts them. A file too short to tell is taken for one.
 */
function isDosProgram(head: Buffer): boolean {
  if (head.length < DOS_HEAD_BYTES) return true;
  const newerAt = head.readUInt32LE(60);
  if (newerAt + 4 <= head.length && /^(PE\0\0|NE|LE|LX)/.test(head.toString('latin1', newerAt, newerAt + 4)))
    return true;
  if (newerAt + 4 > head.length && newerAt < NEWER_HEAD_MAX) return true;
  const [lastPageBytes, pages, headParagraphs] = [
    head.readUInt16LE(2),
    head.readUInt16LE(4),
    head.readUInt16LE(8),
  ];
  return lastPageBytes < 512 && pages > 0 && headParagraphs >= 2;
}

/** "#!" and the path of an interpreter on one line of text: what a kernel runs. */
const isScript = (head: Buffer): boolean =>
  /^#![ \t]*\/[\x21-\x7e][\t\x20-\x7e]*(\r|\n|$)/.test(head.toString('latin1', 0, 512));

/** Asked before all others: a program is one whatever else it is as well. */
const programs: readonly (readonly [string, FileType, ((head: Buffer) => boolean)?])[] = [
  ['4d5a', type('application/vnd.microsoft.portable-executable', 'exe dll scr com', true), isDosProgram],
  ['7f454c46', type('application/x-elf', '', true)],
  ['4c00000001140200', type('application/x-ms-shortcut', 'lnk', true)],
  ['cafebabe', type('application/java-vm', 'class', true)],
  ['2321', type('text/x-script', 'sh', true), isScript],
];

/** Names of the first members of office files, read from local headers. */
const containers: readonly (readonly [RegExp, FileType])[] = [
  [/^word\//, type('application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx docm')],
  [/^xl\//, type('application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx xlsm')],
  [/^ppt\//, type('application/vnd.openxmlformats-officedocument.presentationml.presentation', 'pptx')],
  [/^META-INF\/MANIFEST\.MF$/, type('application/java-archive', 'jar', true)],
];
const ooxml = type('application/vnd.openxmlformats-officedocument', 'docx xlsx pptx docm xlsm');
const zip = type('application/zip', 'zip');

/** Names of the members whose local headers lie in `head`. */
function memberNames(head: Buffer): string[] {
  const names: string[] = [];
  for (let at = head.indexOf('PK\x03\x04', 0, 'latin1'); at >= 0; ) {
    if (at + 30 > head.length) break;
    names.push(head.subarray(at + 30, at + 30 + head.readUInt16LE(at + 26)).toString('utf8'));
    at = head.indexOf('PK\x03\x04', at + 4, 'latin1');
  }
  return names;
}

function zipType(head: Buffer): FileType {
  const names = memberNames(head);
  if (names[0] === 'mimetype') {
    const odf = /application\/[a-z0-9.+-]+/.exec(head.subarray(38, 120).toString('latin1'))?.[0];
    if (odf) return type(odf, 'odt ods odp odg epub');
  }
  for (const name of names) {
    const found = containers.find(([pattern]) => pattern.test(name));
    if (found) return found[1];
  }
  return names[0] === '[Content_Types].xml' || names[0]?.startsWith('_rels/') ? ooxml : zip;
}

function textType(head: Buffer): FileType {
  // A letter may be cut at the end of the head.
  for (let cut = 0; cut < 4; cut += 1) {
    const whole = head.subarray(0, head.length - cut);
    if (!isUtf8(whole)) continue;
    const text = whole.toString('utf8');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells text from other data.
    if (/[\u0000-\u0008\u000e-\u001a]/.test(text)) break;
    if (/^\s*<\?xml|^\s*<[\w:]*edXML/i.test(text)) return type('application/xml', 'xml edxml svg xsl');
    if (/^\s*<(!doctype html|html)/i.test(text)) return type('text/html', 'html htm', true);
    return type('text/plain');
  }
  return type('application/octet-stream');
}

/** Of the first bytes of a file; 8 KiB tell office files apart. */
export function sniffType(first: Uint8Array): FileType {
  const head = Buffer.from(first.buffer, first.byteOffset, first.length);
  if (head.length === 0) return type('application/x-empty');
  const hex = head.subarray(0, 16).toString('hex');
  const program = programs.find(([magic, , fits]) => hex.startsWith(magic) && fits?.(head) !== false);
  if (program) return program[1];
  if (head.subarray(0, 1024).indexOf('%PDF-', 0, 'latin1') >= 0) return type('application/pdf', 'pdf');
  if (head.indexOf('PK\x03\x04', 0, 'latin1') === 0) return zipType(head);
  if (head.subarray(257, 262).toString('latin1') === 'ustar') return type('application/x-tar', 'tar');
  const found = magics.find(([magic]) => hex.startsWith(magic));
  if (found) return found[1];
  if (hex.startsWith('52494646') && hex.slice(16, 24) === '57454250') return type('image/webp', 'webp');
  if (hex.slice(8, 16) === '66747970') return type('video/mp4', 'mp4 mov m4a heic');
  if (hex.startsWith('3082')) return type('application/pkcs7-mime', 'p7m p7s p7b cer crt der');
  return textType(head);
}

export type Ends = {
  /** The first 8 KiB, the last 4 KiB. */
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  /** How often two U+FFFD stand side by side in the whole file: by chance once in 2^48 bytes. */
  readonly replacementPairs: number;
};

/** Why these bytes cannot be the file that was sent; undefined if nothing speaks against it. */
export function damageOf(mediaType: string, { head, tail, replacementPairs }: Ends): string | undefined {
  const start = Buffer.from(head.buffer, head.byteOffset, head.length);
  if (start.indexOf(replacement) === 0)
    return 'binary data was converted as if it were text (begins with U+FFFD)';
  if (mediaType !== 'application/pdf') {
    const binary = !/^text\/|xml$|html$/.test(mediaType);
    if (binary && (start.subarray(0, 64).includes(replacement) || replacementPairs >= 16))
      return 'binary data was converted as if it were text (U+FFFD in it)';
    return undefined;
  }
  if (start.subarray(0, 1024).includes(replacementPair) || replacementPairs >= 16)
    return 'the PDF was converted as if it were text (U+FFFD in it)';
  if (!Buffer.from(tail.buffer, tail.byteOffset, tail.length).includes('%%EOF'))
    return 'the PDF is cut off (no %%EOF at its end)';
  return undefined;
}
