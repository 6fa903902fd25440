// Phiếu xác nhận gửi nhận: one sheet that tells a reader without the system what a document is, which files it has (SHA-256), and what became of it
// at each recipient, line by line as it was signed. A picture of the evidence, not the evidence: that is the proof file (proof.ts), which it names.
import { vietnamTime } from '../../protocol/calendar/working-days.ts';
import { statusName } from '../../protocol/document/statuses.ts';
import type { EdgeContext } from '../context.ts';
import type { DocumentView, RecipientView, TimelineEvent } from '../core.ts';
import { standingsOf } from '../recipients/newest.ts';
import { showDocument } from '../views.ts';
import type { SheetFile } from './core.ts';
import { drawPdf } from './print.ts';
import type { SlipBlock } from './print-slip.ts';
import { dayText } from './sheets.ts';

/** 08:14:05 22/11/2026 */
const momentText = (ms: number): string => {
  const [day = '', time = ''] = vietnamTime(ms).split('T');
  return `${time.slice(0, 8)} ${dayText(day)}`;
};
const urgencyText = ['Thường', 'Khẩn', 'Thượng khẩn', 'Hỏa tốc', 'Hỏa tốc hẹn giờ'] as const;
/** A document to a whole province: the sheet stays printable, the proof file has them all. */
const recipientsMax = 1_024;

/** Codes: `document-unknown`. */
export async function receiptSlip(
  id: string,
  direction: 'out' | 'in',
  context: EdgeContext,
): Promise<SheetFile> {
  const view = showDocument(id, direction, context);
  const nowMs = context.clock.nowMs();
  const nameOf = (unit: string): string => context.directory.current().unit(unit)?.name ?? '';
  const unit =
    direction === 'out'
      ? view.sender
      : (view.envelopes[0]?.recipients.find(({ unit: to }) => nameOf(to))?.unit ?? '');
  const name = numberOf(view);
  const bytes = await drawPdf({
    kind: 'slip',
    body: nameOf(unit),
    title: 'Phiếu xác nhận gửi, nhận văn bản',
    below: `Lập lúc ${momentText(nowMs)} từ sổ của hệ thống liên thông văn bản`,
    blocks: blocksOf(view, nameOf(view.sender)),
    foot: `${name || 'Văn bản'} — mã văn bản ${view.documentId}`,
    signed: 'NGƯỜI LẬP PHIẾU',
  });
  const file = name.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, 80) || view.documentId.slice(0, 8);
  return { name: `phieu-gui-nhan-${file}.pdf`, mediaType: 'application/pdf', bytes };
}

const numberOf = ({ metadata }: DocumentView): string =>
  metadata ? [metadata.number, metadata.notation].filter(Boolean).join('/') : '';
const nfc = (text: string): string => text.normalize('NFC');

function blocksOf(view: DocumentView, senderName: string): SlipBlock[] {
  const { metadata: m } = view;
  const pairs: (readonly [string, string])[] = [
    ['Số, ký hiệu', numberOf(view)],
    ['Loại văn bản', m?.type ?? ''],
    ['Trích yếu', m?.subject ?? '(nội dung mô tả đã được xóa)'],
    ['Ngày ban hành', m?.issueDate ? dayText(m.issueDate) : ''],
    [
      'Người ký',
      (m?.signers ?? [])
        .map(({ competence, position, name }) => [competence, position, name].filter(Boolean).join(' '))
        .join('; '),
    ],
    ['Cơ quan gửi', [senderName, view.senderCode && `(${view.senderCode})`].filter(Boolean).join(' ')],
    ['Độ khẩn', urgencyText[view.urgency] ?? ''],
    [
      view.direction === 'out' ? 'Đưa vào hệ thống' : 'Đến lúc',
      momentText(view.receivedMs ?? view.createdMs),
    ],
  ];
  const sealed = view.envelopes.filter(({ envelopeId }) => envelopeId).toReversed();
  const recipients = standingsOf(view.envelopes).slice(0, recipientsMax);
  return [
    { kind: 'heading', text: '1. Văn bản' },
    {
      kind: 'pairs',
      rows: pairs.filter(([, value]) => value !== '').map(([label, value]) => [label, nfc(value)]),
    },
    { kind: 'heading', text: '2. Tệp và mã băm (SHA-256)' },
    {
      kind: 'table',
      columns: [
        { title: 'Tên tệp', share: 0.32 },
        { title: 'Số byte', share: 0.14, align: 'centre' },
        { title: 'SHA-256', share: 0.54 },
      ],
      rows: view.parts.map(({ name, lengthBytes, sha256Hex }) => [
        nfc(name),
        String(lengthBytes),
        // In eights, so that two people can compare it by reading.
        sha256Hex.replace(/(.{8})(?=.)/g, '$1 '),
      ]),
    },
    { kind: 'heading', text: `3. Diễn biến tại ${recipients.length} nơi nhận` },
    ...recipients.flatMap((to, i) => storyOf(to, i + 1)),
    { kind: 'heading', text: '4. Đối chiếu' },
    {
      kind: 'pairs',
      rows: [
        ['Mã văn bản', view.documentId],
        ...sealed.flatMap(({ envelopeId = '', digestHex = '' }, i) => {
          const which = sealed.length > 1 ? ` lần gửi ${i + 1}` : '';
          return [
            [`Mã phong bì${which}`, envelopeId],
            [`SHA-256 phong bì${which}`, digestHex.replace(/(.{8})(?=.)/g, '$1 ')],
          ] as const;
        }),
      ],
    },
    {
      kind: 'note',
      text: 'Mỗi dòng diễn biến do bên nêu tên xác nhận bằng chữ ký số. Tệp bằng chứng gửi nhận (.ltproof), tải cùng nơi với phiếu này, cho phép bất kỳ ai kiểm tra lại mà không cần kết nối.',
    },
  ];
}

function storyOf(to: RecipientView, n: number): SlipBlock[] {
  const status = to.status;
  // It stands with 03 alone; what follows does not repeat it.
  const registered = to.timeline.map((event) => event.status?.registeredNumber).findLast(Boolean);
  const stands = [
    status && statusName(status.code).vi,
    registered && `số đến ${registered}`,
    status?.person,
    status?.reasonWords?.vi,
    status?.text,
    to.change?.words.vi,
  ].filter(Boolean);
  return [
    {
      kind: 'note',
      strong: true,
      text: nfc(
        `${n}. ${to.name || to.code} (${to.desk ? `${to.desk}@` : ''}${to.code})${stands.length > 0 ? ` — ${stands.join(', ')}` : ''}`,
      ),
    },
    {
      kind: 'table',
      columns: [
        { title: 'Thời điểm', share: 0.24 },
        { title: 'Sự việc', share: 0.46 },
        { title: 'Bên xác nhận', share: 0.3 },
      ],
      rows: to.timeline.map((event) => [
        momentText(event.atMs),
        nfc(saidOf(event)),
        nfc(event.byName || event.by),
      ]),
    },
  ];
}

const saidOf = ({ words, code }: TimelineEvent): string => (code ? `${words.vi} (mã ${code})` : words.vi);
