// The kinds of documents (loại văn bản) that offices know: the 29 of Decree 30/2020 (Article 7, Appendix III), its three kinds of copies,
// the further kinds of the regulation (Điều 8), and the legal-normative ones met in notations. A kind outside the table is as good as
// one inside: it is carried as written. Pure data; nothing here may refuse a document for its kind.
import { urgencies } from '../seal.ts';
import { foldNotation } from './letters.ts';

export type KindGroup = 'decree30' | 'copy' | 'regulation' | 'normative';
export type DocumentKind = {
  /** Tên loại, as the decree writes it. */
  readonly name: string;
  /** Chữ viết tắt of Appendix III; '' for công văn and thư công, which have none. */
  readonly abbreviation: string;
  readonly group: KindGroup;
  /** Code of the archive's list (TT 05/2025/TT-BNV); '' where it has none. */
  readonly archiveCode: string;
  /** "Bắt buộc gửi điện tử": Điều 8.1 of the regulation; other kinds are encouraged (8.2). */
  readonly electronic: boolean;
  /** What a sender who names no urgency gets. */
  readonly urgency: number;
};

type Row = readonly [name: string, abbreviation: string, archiveCode: string, electronic: boolean];

/** In the order of Appendix III; place 18 is công văn, which is why some software writes "18" for it. */
const decree30: readonly Row[] = [
  ['Nghị quyết', 'NQ', '01', true],
  ['Quyết định', 'QĐ', '02', true],
  ['Chỉ thị', 'CT', '03', true],
  ['Quy chế', 'QC', '04', true],
  ['Quy định', 'QyĐ', '05', true],
  ['Thông cáo', 'TC', '06', false],
  ['Thông báo', 'TB', '07', true],
  ['Hướng dẫn', 'HD', '08', true],
  ['Chương trình', 'CTr', '09', true],
  ['Kế hoạch', 'KH', '10', true],
  ['Phương án', 'PA', '11', true],
  ['Đề án', 'ĐA', '12', true],
  ['Dự án', 'DA', '13', false],
  ['Báo cáo', 'BC', '14', true],
  ['Biên bản', 'BB', '20', false],
  ['Tờ trình', 'TTr', '15', true],
  ['Hợp đồng', 'HĐ', '21', false],
  ['Công văn', '', '22', true],
  ['Công điện', 'CĐ', '23', true],
  ['Bản ghi nhớ', 'BGN', '24', false],
  ['Bản thỏa thuận', 'BTT', '25', false],
  ['Giấy ủy quyền', 'GUQ', '16', false],
  ['Giấy mời', 'GM', '26', true],
  ['Giấy giới thiệu', 'GGT', '27', false],
  ['Giấy nghỉ phép', 'GNP', '28', false],
  ['Phiếu gửi', 'PG', '17', false],
  ['Phiếu chuyển', 'PC', '18', false],
  ['Phiếu báo', 'PB', '19', false],
  ['Thư công', '', '29', false],
];
const copies: readonly Row[] = [
  ['Bản sao y', 'SY', '', false],
  ['Bản trích sao', 'TrS', '', false],
  ['Bản sao lục', 'SL', '', false],
];
const regulation: readonly Row[] = [
  ['Giấy triệu tập', 'GTT', '', true],
  ['Kết luận', 'KL', '', true],
  ['Lịch công tác', 'LCT', '', true],
  ['Tài liệu họp', '', '', true],
  ['Biểu mẫu', '', '', true],
];
const normative: readonly Row[] = [
  ['Nghị định', 'NĐ', '', false],
  ['Thông tư', 'TT', '', false],
  ['Thông tư liên tịch', 'TTLT', '', false],
];

const urgencyOf: Readonly<Record<string, number>> = {
  'Công điện': urgencies.veryUrgent,
  'Giấy mời': urgencies.urgent,
  'Giấy triệu tập': urgencies.urgent,
};

const table = (group: KindGroup, rows: readonly Row[]): DocumentKind[] =>
  rows.map(([name, abbreviation, archiveCode, electronic]) => ({
    name,
    abbreviation,
    group,
    archiveCode,
    electronic,
    urgency: urgencyOf[name] ?? urgencies.normal,
  }));

export const documentKinds: readonly DocumentKind[] = [
  ...table('decree30', decree30),
  ...table('copy', copies),
  ...table('regulation', regulation),
  ...table('normative', normative),
];

/** "(cá biệt)" is Appendix III's own remark on decisions and resolutions that are not normative. */
const nameKey = (name: string): string => foldNotation(name.replace(/\(cá biệt\)/i, '')).replace(/ỎA/g, 'OẢ');
const byName = new Map(documentKinds.map((kind) => [nameKey(kind.name), kind]));
const byAbbreviation = new Map(
  documentKinds.filter(({ abbreviation }) => abbreviation !== '').map((kind) => [kind.abbreviation, kind]),
);
const byFoldedAbbreviation = new Map([...byAbbreviation].map(([text, kind]) => [foldNotation(text), kind]));

/** The kind of that name, whatever its case and spaces; undefined for a free kind. */
export const kindByName = (name: string): DocumentKind | undefined => byName.get(nameKey(name));

/** The kind of that abbreviation as a whole, exact letters first ("TT" is not "TTr"); undefined if there is none. */
export const kindByAbbreviation = (text: string): DocumentKind | undefined =>
  byAbbreviation.get(text.normalize('NFC').replaceAll('\u00d0', '\u0110')) ??
  byFoldedAbbreviation.get(foldNotation(text));

export const letterKind: DocumentKind = documentKinds.find(({ name }) => name === 'Công văn')!;

/** What may not travel here although its kind may (Điều 8.1): work and meetings about these matters. */
export const exceptionTags = {
  security: 'an ninh',
  defence: 'quốc phòng',
  order: 'trật tự, an toàn xã hội',
} as const;
export type ExceptionTag = keyof typeof exceptionTags;
