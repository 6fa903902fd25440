// The facts of a draft: what Decree 30/2020 Appendix VI asks of an outgoing document. Rare ones are folded away.
import type { DraftFields } from '../../contract.ts';
import { words } from '../words.ts';
import { DayField, Field, SelectField, Tick } from './basics.tsx';
import type { Suggested } from './suggestions.tsx';

const w = words.compose;
/** The 29 kinds of the decree; others may be typed. */
const kinds =
  'Công văn|Quyết định|Nghị quyết|Chỉ thị|Quy chế|Quy định|Thông cáo|Thông báo|Hướng dẫn|Chương trình|Kế hoạch|Phương án|Đề án|Dự án|Báo cáo|Biên bản|Tờ trình|Hợp đồng|Công điện|Bản ghi nhớ|Bản thỏa thuận|Giấy ủy quyền|Giấy mời|Giấy giới thiệu|Giấy nghỉ phép|Phiếu gửi|Phiếu chuyển|Phiếu báo|Thư công'.split(
    '|',
  );
const competences = ['TM.', 'KT.', 'TL.', 'TUQ.', 'Q.'];
const subjectMax = 500;

type Props = {
  readonly fields: DraftFields;
  readonly change: (some: Partial<DraftFields>) => void;
  readonly suggested: Suggested;
};

export function ComposeFacts({ fields, change, suggested }: Props) {
  const { under } = suggested;
  return (
    <section class="card">
      <h2>{w.info}</h2>
      {suggested.waiting > 0 && (
        <div class="notice" role="status">
          <p>
            <strong>{w.read(suggested.waiting)}</strong> {w.readHow}
          </p>
          <button type="button" onClick={suggested.takeAll}>
            {w.takeAll}
          </button>
        </div>
      )}
      <div class="row">
        <div class="with-said">
          <Field
            label={w.type}
            value={fields.type}
            onValue={(type) => change({ type })}
            list={kinds}
            lengthMax={100}
          />
          {under('type', w.type)}
        </div>
        <div class="with-said">
          <Field
            label={w.number}
            value={fields.number}
            onValue={(number) => change({ number })}
            lengthMax={20}
          />
          {under('number', w.number)}
        </div>
        <div class="with-said">
          <Field
            label={w.notation}
            value={fields.notation}
            onValue={(notation) => change({ notation })}
            lengthMax={50}
          />
          {under('notation', w.notation)}
        </div>
        <div class="with-said">
          <DayField
            label={w.issueDate}
            value={fields.issueDate}
            onValue={(issueDate) => change({ issueDate })}
          />
          {under('issueDate', w.issueDate)}
        </div>
      </div>
      <div class="with-said">
        <Field
          label={w.subject}
          hint={w.subjectCount([...fields.subject].length)}
          value={fields.subject}
          onValue={(subject) => change({ subject })}
          rows={2}
          lengthMax={subjectMax}
          required
        />
        {under('subject', w.subject)}
      </div>
      <div class="row">
        <div class="with-said">
          <Field
            label={w.competence}
            value={fields.signerCompetence}
            onValue={(signerCompetence) => change({ signerCompetence })}
            list={competences}
            lengthMax={20}
          />
          {under('signerCompetence', w.competence)}
        </div>
        <div class="with-said">
          <Field
            label={w.signerName}
            value={fields.signerName}
            onValue={(signerName) => change({ signerName })}
            lengthMax={50}
          />
          {under('signerName', w.signerName)}
        </div>
        <div class="with-said">
          <Field
            label={w.signerPosition}
            value={fields.signerPosition}
            onValue={(signerPosition) => change({ signerPosition })}
            lengthMax={100}
          />
          {under('signerPosition', w.signerPosition)}
        </div>
        <SelectField
          label={w.urgency}
          value={fields.urgency}
          onValue={(urgency) => change({ urgency })}
          options={Object.entries(words.urgencyNames)}
        />
      </div>
      <details>
        <summary>{w.more}</summary>
        <div class="row">
          <DayField label={w.replyBy} value={fields.replyBy} onValue={(replyBy) => change({ replyBy })} />
          <div class="with-said">
            <Field
              label={w.pages}
              value={fields.pages}
              onValue={(pages) => change({ pages })}
              inputmode="numeric"
              lengthMax={6}
            />
            {under('pages', w.pages)}
          </div>
          <Field
            label={w.copies}
            value={fields.copies}
            onValue={(copies) => change({ copies })}
            inputmode="numeric"
            lengthMax={6}
          />
          <SelectField
            label={w.origin}
            value={fields.origin}
            onValue={(origin) => change({ origin })}
            options={Object.entries(w.origins)}
          />
        </div>
        <Tick
          label={w.paper}
          value={fields.paperFollows}
          onValue={(paperFollows) => change({ paperFollows })}
        />
        <Field
          label={w.otherPlaces}
          value={fields.otherPlaces}
          onValue={(otherPlaces) => change({ otherPlaces })}
          rows={3}
          lengthMax={20_000}
        />
        <Field
          label={w.note}
          value={fields.note}
          onValue={(note) => change({ note })}
          rows={2}
          lengthMax={500}
        />
      </details>
    </section>
  );
}
