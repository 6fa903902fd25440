// Offices on the other side, played by hand or by a test: they send documents, recalls and replacements, look what came, and answer with statuses.
// What they write goes through the same intake as the server's.
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { Business, DocumentMessage, EdxmlMessage, Organ, StatusMessage } from '../../hub/edxml/model.ts';
import { readEdxml } from '../../hub/edxml/read.ts';
import { dateText, timeText } from '../../hub/edxml/times.ts';
import { writeEdxml } from '../../hub/edxml/write.ts';
import type { Clock } from '../../protocol/node/clock.ts';
import { CommandError } from '../output.ts';
import { Refusal, spool, takeIn } from './intake.ts';
import type { Agency, AxisStore, Copy } from './store.ts';

export type Paper = {
  readonly from: string;
  readonly to: readonly string[];
  readonly number: string;
  readonly notation: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly type: string;
  readonly subject: string;
  readonly files: readonly string[];
  /** 0 new, 1 recall, 2 update, 3 replacement. */
  readonly act?: '0' | '1' | '2' | '3';
  readonly reason?: string;
  /** DocumentId on the axis of the document that is acted upon. */
  readonly target?: string;
  readonly documentId?: string;
};

const missing = (what: string) =>
  new CommandError('wrongUse', { vi: `Trục không có ${what}`, en: `The axis has no ${what}` });

export function officeOf(store: AxisStore, code: string): Agency {
  const agency = store.agencyByCode(code);
  if (!agency) throw missing(code);
  return agency;
}

const organ = ({ code, name, mail }: Agency): Organ => ({
  organId: code,
  inCharge: '',
  name,
  address: '',
  email: mail,
  telephone: '',
  fax: '',
  website: '',
});

function businessOf(paper: Paper): Business {
  const act = paper.act ?? '0';
  return {
    type: act,
    reason: paper.reason ?? (act === '0' ? 'Văn bản điện tử mới' : 'Theo yêu cầu của nơi gửi'),
    documentId: act === '1' || act === '2' ? (paper.target ?? '') : '',
    paper: '0',
    documentInfo: act === '2' ? '1' : '',
    documentReceiver: act === '2' ? '0' : '',
    receivers: [],
    replacements: act === '3' ? [{ documentId: paper.target ?? '', organIds: paper.to }] : [],
    staff: null,
  };
}

export function paperMessage(store: AxisStore, paper: Paper, nowMs: number): DocumentMessage {
  const from = officeOf(store, paper.from);
  // Receivers may be offices that the axis does not know: it is the axis that says so.
  const to = paper.to.map((code) => {
    const known = store.agencyByCode(code);
    return known ? organ(known) : { ...organ(from), organId: code, name: code, email: '' };
  });
  const date = paper.date || dateText(nowMs);
  return {
    what: 'document',
    kind: (['new', 'recall', 'update', 'replacement'] as const)[Number(paper.act ?? '0')]!,
    from: organ(from),
    to,
    documentId:
      paper.documentId ?? `${from.code},${date.replaceAll('-', '/')},${paper.number}/${paper.notation}`,
    number: paper.number,
    notation: paper.notation,
    place: '',
    date,
    type: { code: '2', detail: '', name: paper.type },
    subject: paper.subject,
    content: '',
    signer: { competence: '', position: 'Giám đốc', name: 'Nguyễn Văn Mẫu' },
    dueDate: '',
    otherPlaces: [],
    other: {
      priority: '0',
      sphere: '',
      typist: '',
      copies: '',
      pages: '',
      direction: 'false',
      appendixes: [],
    },
    responseFor: [],
    steeringType: '1',
    trace: [{ organId: from.code, at: timeText(nowMs) }],
    business: businessOf(paper),
    attachments: paper.files.map((file, i) => ({
      contentId: String(i + 1),
      name: basename(file),
      description: '',
      mediaType: 'application/octet-stream',
    })),
    extras: [],
  };
}

async function put(
  store: AxisStore,
  message: EdxmlMessage,
  given: { readonly from: Agency; readonly files: readonly string[]; readonly nowMs: number },
): Promise<string> {
  const spooled = await spool(store);
  try {
    for await (const piece of writeEdxml(message, (i) => createReadStream(given.files[i]!)))
      await spooled.write(piece);
    const { sha256, bytes } = await spooled.end();
    return await takeIn(store, {
      spooled: { path: spooled.path, sha256, bytes },
      type: message.what === 'status' ? 'status' : 'edoc',
      system: given.from.system_id,
      from: given.from.code,
      to: undefined,
      nowMs: given.nowMs,
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new CommandError('failed', {
      vi: `Trục không nhận: ${error.message}`,
      en: `The axis refuses: ${error.message}`,
    });
  } finally {
    await spooled.drop();
  }
}

/** Returns the axis's id of the message and the DocumentId that it carries. */
export async function sendPaper(
  store: AxisStore,
  paper: Paper,
  clock: Clock,
): Promise<{ docId: string; documentId: string }> {
  const nowMs = clock.nowMs();
  const message = paperMessage(store, paper, nowMs);
  const docId = await put(store, message, { from: officeOf(store, paper.from), files: paper.files, nowMs });
  return { docId, documentId: message.documentId };
}

/** The receiver of a copy says what became of it; with 13 the sender of a message asks for it back. */
export async function answerPaper(
  store: AxisStore,
  answer: { readonly copyId: string; readonly code: string; readonly description: string },
  clock: Clock,
): Promise<string> {
  const copy = store.copy(answer.copyId);
  if (!copy) throw missing(answer.copyId);
  const { message: about } = await readEdxml(createReadStream(store.messagePath(copy.doc_id)));
  if (about.what !== 'document') throw missing(`văn bản ${answer.copyId}`);
  const nowMs = clock.nowMs();
  const asksBack = answer.code === '13';
  const [from, to] = asksBack ? [copy.from_code, copy.to_code] : [copy.to_code, copy.from_code];
  const office = officeOf(store, from);
  const message: StatusMessage = {
    what: 'status',
    from: organ(office),
    responseFor: {
      organId: officeOf(store, to).code,
      code: `${about.number}/${about.notation}`,
      documentId: about.documentId,
      date: about.date,
    },
    staff: null,
    code: answer.code,
    description: answer.description,
    at: timeText(nowMs),
    extras: [],
  };
  return await put(store, message, { from: office, files: [], nowMs });
}

export type Received = Copy & {
  readonly message: EdxmlMessage;
  readonly files: readonly { name: string; sha256: string; lengthBytes: number }[];
};

/** What waits for an office, read as its own software would; reading marks nothing. */
export async function received(store: AxisStore, code: string): Promise<Received[]> {
  const rows: Received[] = [];
  for (const copy of store.copiesFor(officeOf(store, code).code)) {
    const read = await readEdxml(createReadStream(store.messagePath(copy.doc_id)));
    const files =
      read.message.what === 'document'
        ? read.message.attachments.map(({ name }, i) => ({
            name,
            sha256: read.files[i]!.sha256,
            lengthBytes: read.files[i]!.lengthBytes,
          }))
        : [];
    rows.push({ ...copy, message: read.message, files });
  }
  return rows;
}
