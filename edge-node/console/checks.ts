// What a person should see before a draft leaves: its facts, its files with their signature, whom it reaches. Says, and stops what would be refused
// later anyway; the last word has outbox/submit.ts. Before edge-node/outbox on a document's path.
import { ExchangeError, isExchangeError } from '../../protocol/errors.ts';
import { groupOf } from '../../protocol/groups.ts';
import type { Finding } from '../../protocol/safety/findings.ts';
import { decide, findingWords } from '../../protocol/safety/findings.ts';
import type { FileTypeName } from '../../protocol/safety/policy.ts';
import { secretsSaid } from '../../protocol/safety/secrecy.ts';
import { kinds } from '../../protocol/seal.ts';
import { dayOf } from '../accounts/presence.ts';
import type { EdgeContext } from '../context.ts';
import type { DocumentView, RecipientView } from '../core.ts';
import type { RecipientVerbs } from '../recipients/core.ts';
import { standingsOf } from '../recipients/newest.ts';
import { recipientOf } from '../recipients/resolve.ts';
import { rulesOf } from '../safety/quick.ts';
import type { Check, DraftChecks, DraftFields, SendingList } from './contract.ts';
import type { Look, Looked } from './look.ts';

type Deps = {
  readonly look: Look;
  readonly recipients: RecipientVerbs;
  /** A sent document of the unit. Throws `document-unknown`. */
  readonly sent: (id: string, unit: string) => Promise<DocumentView>;
};
type Judged = Pick<DraftChecks, 'checks' | 'goes'>;

const check = (name: string, how: { good: boolean; stops?: boolean; words: string }): Check => ({
  name,
  good: how.good,
  stops: how.stops ?? false,
  words: how.words,
});

export function createChecks(context: EdgeContext, { look, recipients, sent }: Deps) {
  return async (fields: DraftFields, unit: string): Promise<Judged> => {
    const { goes, odd } = listOf(fields, unit);
    if (fields.furtherOf !== '') {
      const further = ofFurther(await sent(fields.furtherOf, unit), goes);
      const none = further.goes.units.length === 0 && goes.units.length > 0;
      const reached = none ? [] : [ofRecipients(fields, further.goes, odd)];
      return { goes: further.goes, checks: [...further.checks, ...reached, ofClock()] };
    }
    return {
      goes,
      checks: [
        ...(await ofFiles(fields, unit)),
        ...ofFacts(fields, dayOf(context.clock.nowMs())),
        ofRecipients(fields, goes, odd),
        ofClock(),
      ],
    };
  };

  /** Groups as the units that they are now. A unit that is named twice gets one copy. */
  function listOf({ recipients: chosen }: DraftFields, unit: string): { goes: SendingList; odd: string[] } {
    const units = new Map<string, { code: string; name: string }>();
    const paper: string[] = [];
    const odd: string[] = [];
    for (const { code, name } of chosen) {
      if (groupOf(code) === undefined) {
        const why = reached(code);
        if (why) odd.push(`${name || code}: ${why}`);
        else units.set(code, { code, name });
        continue;
      }
      const [place] = recipients.match(code, { unit }).places;
      if (place?.found !== 'units') odd.push(`${name || code}: không còn nhóm này`);
      else
        for (const member of place.units)
          if (member.paper === '' || member.paper === 'unit-split')
            units.set(member.code, { code: member.code, name: member.name });
          else paper.push(member.name);
    }
    return { goes: { units: [...units.values()], paper }, odd };
  }

  /** Why an address cannot be sent to, in words; undefined when it can. */
  function reached(code: string): string | undefined {
    try {
      recipientOf(code, context.clock.nowMs(), context);
      return undefined;
    } catch (error) {
      if (!isExchangeError(error)) throw error;
      return error.row.title.vi.toLocaleLowerCase('vi');
    }
  }

  function ofRecipients(
    { recipients: chosen }: DraftFields,
    { units }: SendingList,
    odd: readonly string[],
  ): Check {
    if (chosen.length === 0)
      return check('recipients', { good: false, stops: true, words: 'Chưa chọn nơi nhận' });
    if (odd.length > 0)
      return check('recipients', {
        good: false,
        stops: true,
        words: `Không gửi được tới: ${odd.slice(0, 5).join('; ')}${odd.length > 5 ? `; và ${odd.length - 5} nơi khác` : ''}`,
      });
    return check('recipients', {
      good: units.length > 0,
      stops: units.length === 0,
      words:
        units.length > 0 ? `${units.length} nơi nhận đều đang hoạt động` : 'Nhóm đã chọn không có đơn vị nào',
    });
  }

  function ofClock(): Check {
    const offset = Math.abs(context.link.clockOffsetMs() ?? 0);
    return check('clock', {
      good: offset <= clockOffMs,
      words:
        offset <= clockOffMs
          ? 'Đồng hồ máy đúng'
          : `Đồng hồ máy lệch ${Math.round(offset / 1000)} giây so với trung tâm: sửa giờ của máy trước khi gửi`,
    });
  }

  async function ofFiles({ parts }: DraftFields, unit: string): Promise<Check[]> {
    if (parts.length === 0)
      return [
        check('parts', { good: false, stops: true, words: 'Chưa có tệp nào: thả tệp PDF đã ký vào ô Tệp' }),
      ];
    const looked: Looked[] = [];
    for (const part of parts) {
      try {
        looked.push(await look(part, unit));
      } catch (error) {
        if (!isExchangeError(error)) throw error;
        if (error.code === 'content-gone')
          return [
            check('parts', {
              good: false,
              stops: true,
              words: `Tệp "${part.name}" không còn trên máy: bỏ đi rồi chọn lại`,
            }),
          ];
        return [
          check('parts', { good: false, words: 'Chưa kiểm tra được tệp: máy đang bận, thử lại sau ít phút' }),
        ];
      }
    }
    return [
      check('parts', { good: true, words: `Có ${parts.length} tệp` }),
      signatureCheck(looked[0]!),
      ofFindings(looked, unit),
      ...(context.safety.scanner.configured
        ? [check('scan', { good: true, words: 'Tệp được quét mã độc trước khi rời máy' })]
        : []),
    ];
  }

  /** By the policy that will judge it in earnest. */
  function ofFindings(looked: readonly Looked[], unit: string): Check {
    const types = new Map<number, FileTypeName>(looked.map(({ inspection }, i) => [i, inspection.type]));
    const found = looked.flatMap(({ inspection }, part) =>
      inspection.findings.map((each): Finding => ({ ...each, part })),
    );
    const { action, findings } = decide(found, rulesOf(context, { unit, kind: kinds.document }), {
      types,
      receiving: false,
    });
    const said = [
      ...new Set(findings.filter((each) => each.action === action).map(({ code }) => findingWords[code].vi)),
    ].join('; ');
    if (action === 'refuse')
      return check('findings', { good: false, stops: true, words: `Không được gửi: ${said}` });
    if (action === 'hold')
      return check('findings', { good: false, words: `Sẽ bị giữ lại chờ người thứ hai xét: ${said}` });
    const rest = findings.filter(({ code }) => code !== 'pdf-signature-bad');
    return check('findings', {
      good: rest.length === 0,
      words:
        rest.length === 0
          ? 'Tệp đúng loại, không có nội dung chạy được'
          : rest.map(({ code }) => findingWords[code].vi).join('; '),
    });
  }
}

/** May have it, or gets it yet. */
const reachable = /^(queued|accepted|relayed|delivered|expired|undeliverable)$/;
const namesOf = (all: readonly { readonly name: string; readonly code: string }[]): string => {
  const names = all.slice(0, 5).map(({ name, code }) => name || code);
  return `${names.join('; ')}${all.length > 5 ? `; và ${all.length - 5} nơi khác` : ''}`;
};

/** A sent document to further recipients: what statuses/holders.ts will refuse, and who has it already and is left out. */
function ofFurther(
  view: DocumentView,
  { units, paper }: SendingList,
): { checks: Check[]; goes: SendingList } {
  const stop = (words: string) => check('document', { good: false, stops: true, words });
  const standings = standingsOf(view.envelopes);
  const back = standings.filter(
    ({ change }) => change?.kind === 'recall' && /^(asked|agreed|taken-back)$/.test(change.state),
  );
  const has = standings.filter((to) => reachable.test(to.state) && !back.includes(to));
  const among = (list: readonly RecipientView[]) => {
    const codes = new Set(list.map(({ code }) => code));
    return units.filter(({ code }) => codes.has(code.slice(code.indexOf('@') + 1)));
  };
  const [already, recalled] = [among(has), among(back)];
  const checks = [
    view.replacedBy.length > 0
      ? stop('Văn bản này đã được thay thế: gửi văn bản thay thế')
      : has.length === 0
        ? stop('Văn bản này đã dừng gửi, bị từ chối hoặc đã thu hồi: soạn lần gửi mới')
        : check('document', { good: true, words: 'Gửi đúng văn bản, tệp và số đã gửi' }),
  ];
  if (recalled.length > 0)
    checks.push(stop(`Đã thu hồi ở: ${namesOf(recalled)}. Bỏ khỏi danh sách, hoặc soạn lần gửi mới`));
  if (already.length > 0)
    checks.push(
      check('already', { good: false, words: `Đã là nơi nhận, không gửi lần nữa: ${namesOf(already)}` }),
    );
  const goes = { units: units.filter((unit) => !already.includes(unit)), paper };
  if (goes.units.length === 0 && already.length > 0)
    checks.push(stop('Mọi nơi đã chọn đều là nơi nhận của văn bản này. Nơi nào chưa nhận: dùng "Gửi lại"'));
  return { checks, goes };
}

/** Beyond this the hub refuses what is sealed (protocol/limits.ts); well before it a person should know. */
const clockOffMs = 60_000;

function signatureCheck({ view: { signature } }: Looked): Check {
  if (!signature)
    return check('signature', {
      good: false,
      words: 'Văn bản chính không phải PDF: không có chữ ký số để kiểm tra',
    });
  return check('signature', {
    good: signature.verdict === 'original-value' || signature.verdict === 'organisation-only',
    words: signature.sentence,
  });
}

function ofFacts(f: DraftFields, today: string): Check[] {
  const subject = f.subject.trim() !== '';
  const named = f.number.trim() !== '' && f.notation.trim() !== '';
  const [secret] = secretsSaid({ ...f, parts: f.parts });
  return [
    check('subject', {
      good: subject,
      stops: !subject,
      words: subject ? 'Có trích yếu' : 'Chưa có trích yếu nội dung',
    }),
    check('number', {
      good: named,
      words: named ? `Số, ký hiệu ${f.number}/${f.notation}` : 'Chưa ghi số và ký hiệu',
    }),
    check('issueDate', {
      good: f.issueDate !== '' && f.issueDate <= today,
      stops: f.issueDate > today,
      words:
        f.issueDate === ''
          ? 'Chưa ghi ngày ban hành'
          : f.issueDate > today
            ? 'Ngày ban hành ở tương lai'
            : 'Ngày ban hành hợp lệ',
    }),
    ...(secret
      ? [
          check('secret', {
            good: false,
            stops: true,
            words: `Không được gửi: ${findingWords[secret.code].vi}`,
          }),
        ]
      : []),
    ...(f.replaces !== '' && f.reason.trim() === ''
      ? [check('reason', { good: false, stops: true, words: 'Chưa ghi lý do thay thế' })]
      : []),
  ];
}

/** Throws `draft-incomplete` with the first thing that stops it. */
export function assertSendable({ checks }: Judged): void {
  const stopping = checks.find(({ good, stops }) => !good && stops);
  if (stopping) throw new ExchangeError('draft-incomplete', stopping.words);
}
