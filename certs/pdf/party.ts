// Says whether a certificate names a person or an organisation, and why: an original needs both (Decree 30/2020, article 5.1).
// It must never read anything but the certificate: names in the signature dictionary are anybody's words.
// Vietnamese certificates carry no agreed mark, so the reasons are reported and the rules are few and ordered. Used by judge.ts.
import type { NamePart, PdfCertificate } from './asn1.ts';

export type Party = {
  readonly kind: 'person' | 'organisation';
  readonly why: string;
  /** Common name, or the nearest to it. */
  readonly name: string;
  readonly organisation: string | undefined;
};

const OID = {
  commonName: '2.5.4.3',
  surname: '2.5.4.4',
  serialNumber: '2.5.4.5',
  organisation: '2.5.4.10',
  unit: '2.5.4.11',
  title: '2.5.4.12',
  givenName: '2.5.4.42',
  organisationIdentifier: '2.5.4.97',
  uid: '0.9.2342.19200300.100.1.1',
} as const;

/** Identity papers of persons and tax codes of bodies, as public authorities of Vietnam write them: "CMND:…", "CCCD:…", "MST:…". */
const PERSON_ID =
  /(^|[^A-Z])(CMND|CMT|CCCD|CMTND|HC|PASSPORT|HOCHIEU|DDCN|PNO[A-Z]{2}|IDC[A-Z]{2}|PAS[A-Z]{2})\s*[:\-=]/i;
const BODY_ID = /(^|[^A-Z])(MST|MSDN|MNS|MDVQHNS|MADV|VAT[A-Z]{2}|NTR[A-Z]{2})\s*[:\-=]/i;

/**
 * First words of the names of bodies. Those that lose their meaning without accents (Trường/Trương, Đoàn, Văn phòng) are
 * listed only together with what follows.
 */
const BODY_WORDS = [
  'uỷ ban',
  'ủy ban',
  'ubnd',
  'ubmttq',
  'hđnd',
  'hội đồng',
  'văn phòng',
  'sở',
  'bộ',
  'cục',
  'chi cục',
  'tổng cục',
  'vụ',
  'ban quản lý',
  'ban tổ chức',
  'ban dân vận',
  'ban tuyên giáo',
  'ban cơ yếu',
  'ban dân tộc',
  'ban chỉ huy',
  'ban chỉ đạo',
  'phòng',
  'trung tâm',
  'trường',
  'bệnh viện',
  'trạm y tế',
  'công an',
  'toà án',
  'tòa án',
  'viện',
  'viện kiểm sát',
  'thanh tra',
  'kho bạc',
  'bảo hiểm xã hội',
  'hải quan',
  'thuế',
  'cổng thông tin',
  'cơ quan',
  'chính phủ',
  'quốc hội',
  'tỉnh uỷ',
  'tỉnh ủy',
  'thành uỷ',
  'thành ủy',
  'huyện uỷ',
  'huyện ủy',
  'quận ủy',
  'quận uỷ',
  'đảng uỷ',
  'đảng ủy',
  'mặt trận',
  'hội liên hiệp',
  'hội nông dân',
  'hội cựu chiến binh',
  'liên đoàn',
  'đoàn thanh niên',
  'tỉnh đoàn',
  'huyện đoàn',
  'thành đoàn',
  'công ty',
  'tổng công ty',
  'tập đoàn',
  'ngân hàng',
  'doanh nghiệp',
  'hợp tác xã',
  'nhà xuất bản',
  'báo',
  'đài',
  'tạp chí',
  'học viện',
  'đại học',
  'quân khu',
  'bộ chỉ huy',
  'đồn',
  'hạt kiểm lâm',
  'chi nhánh',
];
const PLAIN_WORDS = [
  'uy ban',
  'ubnd',
  'hdnd',
  'hoi dong nhan dan',
  'so giao',
  'so thong tin',
  'so tai',
  'so noi',
  'so y',
  'so tu phap',
  'so ke',
  'so khoa',
  'so xay',
  'so cong',
  'so nong',
  'so van',
  'so lao',
  'so ngoai',
  'so du',
  'bo giao',
  'bo thong',
  'bo tai',
  'bo noi',
  'bo y',
  'bo tu phap',
  'bo ke',
  'bo khoa',
  'bo xay',
  'bo cong',
  'bo nong',
  'bo van',
  'bo lao',
  'bo ngoai',
  'bo quoc',
  'chi cuc',
  'tong cuc',
  'cuc thue',
  'cuc hai quan',
  'van phong chinh',
  'van phong ubnd',
  'van phong uy ban',
  'van phong hdnd',
  'phong giao',
  'phong noi',
  'phong tai',
  'phong tu phap',
  'phong kinh',
  'phong van',
  'phong y',
  'trung tam',
  'truong tieu',
  'truong thpt',
  'truong thcs',
  'truong mam',
  'truong trung',
  'truong dai',
  'truong cao',
  'benh vien',
  'cong an',
  'toa an',
  'vien kiem',
  'thanh tra',
  'kho bac',
  'bao hiem xa',
  'cong thong tin',
  'co quan',
  'tinh uy',
  'thanh uy',
  'huyen uy',
  'dang uy',
  'mat tran',
  'cong ty',
  'tong cong',
  'tap doan',
  'ngan hang',
  'chinh phu',
];
const BODY_ENDINGS =
  /\b(JSC|LTD|LLC|INC|GMBH|CORP|CORPORATION|COMPANY|S\.?A\.?|PLC|AUTHORITY|MINISTRY|DEPARTMENT|COMMITTEE)\.?$/i;

const lower = (text: string): string =>
  text.normalize('NFC').toLocaleLowerCase('vi').replace(/\s+/g, ' ').trim();
/** Without accents, as older certificates write Vietnamese. */
const plain = (text: string): string =>
  lower(text).normalize('NFD').replace(/\p{M}/gu, '').replaceAll('đ', 'd');

const startsWithWord = (text: string, words: readonly string[]): string | undefined =>
  words.find((word) => text === word || text.startsWith(`${word} `) || text.startsWith(`${word}.`));

/** The body word that the name begins with, or undefined. */
function bodyWord(name: string): string | undefined {
  const accented = lower(name);
  const found = startsWithWord(accented, BODY_WORDS);
  if (found) return found;
  // Only a name written wholly without accents is read without them.
  return accented === plain(name) ? startsWithWord(accented, PLAIN_WORDS) : undefined;
}

const partValue = (parts: readonly NamePart[], oid: string): string | undefined =>
  parts.filter((part) => part.oid === oid).at(-1)?.value || undefined;

/** Person or organisation, the first rule that says anything. */
export function partyOf({ subject }: Pick<PdfCertificate, 'subject'>): Party {
  const commonName = partValue(subject, OID.commonName);
  const organisation = partValue(subject, OID.organisation);
  const name = commonName ?? organisation ?? subject.at(-1)?.value ?? '';
  const say = (kind: Party['kind'], why: string): Party => ({ kind, why, name, organisation });
  const ids = subject.filter((part) => part.oid === OID.uid || part.oid === OID.serialNumber);
  if (ids.some((part) => PERSON_ID.test(part.value)))
    return say('person', 'identity paper number in the certificate');
  if (partValue(subject, OID.givenName) || partValue(subject, OID.surname))
    return say('person', 'given name or surname in the certificate');
  if (partValue(subject, OID.title)) return say('person', 'title in the certificate');
  if (partValue(subject, OID.organisationIdentifier))
    return say('organisation', 'organisation identifier in the certificate');
  if (ids.some((part) => BODY_ID.test(part.value)))
    return say('organisation', 'tax or body code without an identity paper number');
  if (!commonName) return say('organisation', 'no common name');
  const word = bodyWord(commonName);
  if (word) return say('organisation', `the common name begins with "${word}"`);
  if (organisation && plain(organisation) === plain(commonName))
    return say('organisation', 'the common name is the name of the organisation');
  if (BODY_ENDINGS.test(commonName))
    return say('organisation', 'the common name ends as a company or office');
  return say('person', 'nothing in the certificate names an organisation as the signer');
}
