// What an edXML message says, for people and for programs. The clerk's name, mail and telephone stay out of the text for people, which is
// copied into tickets; the JSON has everything.
import { type Organ, statusName, type Warning } from '../../hub/edxml/model.ts';
import type { EdxmlRead } from '../../hub/edxml/read.ts';
import { bytesText } from '../output.ts';

export function readJson({ message, files, warnings, evidence }: EdxmlRead): object {
  const attachments = message.what === 'document' ? message.attachments : [];
  return {
    good: true,
    format: 'QCVN 102:2016/BTTTT',
    timeZone: 'Asia/Ho_Chi_Minh',
    received: evidence,
    message,
    ...(message.what === 'status' ? { statusName: statusName(message.code) } : {}),
    attachments: attachments.map((attachment, i) => {
      const { encoding, member, lengthBytes, sha256, type } = files[i]!;
      return {
        contentId: attachment.contentId,
        name: attachment.name,
        declaredType: attachment.mediaType,
        type: type.mediaType,
        lengthBytes,
        sha256,
        encoding,
        ...(member === '' ? {} : { member }),
      };
    }),
    warnings,
  };
}

const kinds = {
  new: 'văn bản mới — new document',
  recall: 'thu hồi — recall',
  update: 'cập nhật — update',
  replacement: 'thay thế — replacement',
  unknown: 'loại không rõ — unknown kind',
} as const;
const office = ({ organId, name }: Organ) => (name === '' ? organId : `${organId} ${name}`);
const warned = ({ code, at, vi, en }: Warning) => `  ! ${code} ${at}: ${vi} — ${en}`;

/** One line each; not yet fit for a terminal. */
export function readText({ message, files, warnings, evidence }: EdxmlRead): string[] {
  const tail = [
    ...warnings.map(warned),
    `Tệp nhận — received: ${evidence.lengthBytes} byte, SHA-256 ${evidence.sha256}`,
  ];
  if (message.what === 'status') {
    const name = statusName(message.code);
    const { organId, code, date, documentId } = message.responseFor;
    return [
      `TRẠNG THÁI ${message.code} ${name.vi} — status ${name.en}`,
      `  Từ — from: ${office(message.from)}`,
      `  Gửi — to: ${organId}`,
      `  Về — about: ${code} ${date} (${documentId})`,
      `  Lúc — at: ${message.at}`,
      `  Nội dung — text: ${message.description}`,
      ...tail,
    ];
  }
  const { number, notation, date, subject, documentId, business } = message;
  return [
    `VĂN BẢN ${kinds[message.kind]}`,
    `  Số, ký hiệu — number: ${number}/${notation}, ${date}`,
    `  Trích yếu — subject: ${subject}`,
    `  Từ — from: ${office(message.from)}`,
    ...message.to.map((to) => `  Gửi — to: ${office(to)}`),
    `  Mã — document id: ${documentId}`,
    ...(business && business.reason !== '' ? [`  Lý do — reason: ${business.reason}`] : []),
    ...message.attachments.map(({ name }, i) => {
      const { type, lengthBytes, sha256 } = files[i]!;
      return `  Tệp — file: ${name}, ${type.mediaType}, ${bytesText(lengthBytes)}, SHA-256 ${sha256}`;
    }),
    ...tail,
  ];
}
