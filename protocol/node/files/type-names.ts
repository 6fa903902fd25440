// Media types found by content -> the names that a file policy uses, and what a name ending promises. Pure. An ending allows nothing; a few
// endings are programs whatever their bytes are, because the receiving machine will run them.
import type { FileTypeName } from '../../safety/policy.ts';
import type { FileType } from './types.ts';

const names: readonly (readonly [RegExp, FileTypeName])[] = [
  [/pdf$/, 'pdf'],
  [/wordprocessingml/, 'docx'],
  [/spreadsheetml/, 'xlsx'],
  [/presentationml/, 'pptx'],
  [/officedocument$/, 'docx'],
  [/oasis\.opendocument|epub/, 'odf'],
  [/ole-storage/, 'ole'],
  [/rtf$/, 'rtf'],
  [/^text\/plain/, 'text'],
  [/xml$/, 'xml'],
  [/html$/, 'html'],
  [/png$/, 'png'],
  [/jpeg$/, 'jpeg'],
  [/gif$/, 'gif'],
  [/tiff$/, 'tiff'],
  [/bmp$/, 'bmp'],
  [/webp$/, 'webp'],
  [/jp2$/, 'jp2'],
  [/zip$/, 'zip'],
  [/rar$/, 'rar'],
  [/7z/, '7z'],
  [/gzip$/, 'gzip'],
  [/tar$/, 'tar'],
  [/pkcs7/, 'pkcs7'],
  [/^audio/, 'audio'],
  [/^video/, 'video'],
  [/empty$/, 'empty'],
];

export function typeNameOf({ mediaType, dangerous }: FileType): FileTypeName {
  if (dangerous && mediaType !== 'text/html') return 'executable';
  return names.find(([pattern]) => pattern.test(mediaType))?.[1] ?? 'unknown';
}

/** Endings that Windows runs. */
const programEndings = new Set(
  'exe dll com scr pif bat cmd ps1 psm1 vbs vbe js jse wsf wsh hta msi msp cpl lnk reg jar sh scf url chm iso img vhd application gadget'.split(
    ' ',
  ),
);
export const endingOf = (name: string): string =>
  /\.([A-Za-z0-9]{1,12})$/.exec(name)?.[1]?.toLowerCase() ?? '';
export const isProgramName = (name: string): boolean => programEndings.has(endingOf(name));

/** Endings that promise a type of their own; others (".dat") promise nothing. */
const promising = new Set(
  'pdf doc docx docm xls xlsx xlsm ppt pptx odt ods odp rtf txt xml html htm png jpg jpeg gif tif tiff bmp webp zip rar 7z gz tar p7m p7s'.split(
    ' ',
  ),
);

/** What the ending promises that the content is not; undefined where both agree or the ending says nothing. */
export function nameMismatch(name: string, type: FileType): string | undefined {
  const ending = endingOf(name);
  if (!promising.has(ending) || type.endings.includes(ending)) return undefined;
  if (type.mediaType === 'text/plain' && ['txt', 'xml', 'html', 'htm'].includes(ending)) return undefined;
  return `.${ending} is ${type.mediaType}`;
}
