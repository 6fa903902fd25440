// The table of the format's fields: lengths, what must be there, which values are known. Sources: VN-DOMAIN §1.3, §1.4, §1.7 (the text of
// QCVN 102 itself was not at hand, so this table is the place to correct). Reading warns beyond it, sending refuses.
import { readDate, readTime } from './times.ts';

export type Field = {
  /** Characters, not bytes. The larger one where sources differ. */
  readonly max?: number;
  readonly form?: 'date' | 'time' | 'whole' | 'priority' | 'flag' | 'boolean';
};
const organ: Readonly<Record<string, Field>> = {
  OrganId: { max: 35 },
  OrganizationInCharge: { max: 500 },
  OrganName: { max: 200 },
  OrganAdd: { max: 500 },
  Email: { max: 100 },
  Telephone: { max: 20 },
  Fax: { max: 20 },
  Website: { max: 100 },
};
const under = (parent: string, fields: Readonly<Record<string, Field>>): Record<string, Field> =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [`${parent}/${name}`, field]));

/** By path without indices, from MessageHeader, TraceHeaderList or edXMLManifest on. */
export const fields: Readonly<Record<string, Field>> = {
  ...under('MessageHeader/From', organ),
  ...under('MessageHeader/To', organ),
  ...under('MessageHeader', {
    'Code/CodeNumber': { max: 11 },
    'Code/CodeNotation': { max: 30 },
    'PromulgationInfo/Place': { max: 50 },
    'PromulgationInfo/PromulgationDate': { form: 'date' },
    'DocumentType/TypeName': { max: 100 },
    Subject: { max: 500 },
    Content: { max: 500 },
    'SignerInfo/Competence': { max: 100 },
    'SignerInfo/Position': { max: 100 },
    'SignerInfo/FullName': { max: 50 },
    DueDate: { form: 'date' },
    'ToPlaces/Place': { max: 150 },
    'OtherInfo/Priority': { form: 'priority' },
    'OtherInfo/SphereOfPromulgation': { max: 100 },
    'OtherInfo/PromulgationAmount': { form: 'whole' },
    'OtherInfo/PageAmount': { form: 'whole' },
    'OtherInfo/Direction': { form: 'boolean' },
    'ResponseFor/OrganId': { max: 35 },
    'ResponseFor/PromulgationDate': { form: 'date' },
    Timestamp: { form: 'time' },
  }),
  ...under('TraceHeaderList', {
    'TraceHeader/OrganId': { max: 35 },
    'TraceHeader/Timestamp': { form: 'time' },
    'Bussiness/Paper': { form: 'whole' },
    'Bussiness/BussinessDocumentInfo/DocumentInfo': { form: 'flag' },
    'Bussiness/BussinessDocumentInfo/DocumentReceiver': { form: 'flag' },
    'Bussiness/BussinessDocumentInfo/ReceiverList/Receiver/OrganId': { max: 35 },
    'Bussiness/BussinessDocumentInfo/ReceiverList/Receiver/ReceiverType': { form: 'flag' },
    'Bussiness/ReplacementInfoList/ReplacementInfo/OrganIdList/OrganId': { max: 35 },
  }),
  'edXMLManifest/Reference/AttachmentName': { max: 500 },
};

const forms: Readonly<Record<NonNullable<Field['form']>, { readonly fits: RegExp; readonly words: string }>> =
  {
    date: { fits: /^\d{4}\/\d{2}\/\d{2}$/, words: 'not a date yyyy/MM/dd that exists' },
    time: { fits: /^\d{4}\/\d{2}\/\d{2} \d{2}:\d{2}:\d{2}$/, words: 'not a time yyyy/MM/dd HH:mm:ss' },
    whole: { fits: /^\d{1,9}$/, words: 'not a whole number' },
    priority: { fits: /^[0-4]$/, words: 'not 0 to 4' },
    flag: { fits: /^[01]$/, words: 'not 0 or 1' },
    boolean: { fits: /^(true|false)$/i, words: 'not true or false' },
  };

/** Of a value as it is written. undefined: good, or nothing is known of the field. */
export function fieldFault(
  path: string,
  value: string,
): { readonly code: 'too-long' | 'date' | 'value'; readonly words: string } | undefined {
  const field = fields[path.replace(/\[\d+\]/g, '')];
  if (!field || value === '') return undefined;
  const length = [...value].length;
  if (field.max !== undefined && length > field.max)
    return { code: 'too-long', words: `${length} characters, the format allows ${field.max}` };
  if (!field.form) return undefined;
  const dated = field.form === 'date' || field.form === 'time';
  const exists = !dated || (field.form === 'date' ? readDate(value) : readTime(value)) !== undefined;
  if (exists && forms[field.form].fits.test(value)) return undefined;
  return { code: dated ? 'date' : 'value', words: forms[field.form].words };
}
