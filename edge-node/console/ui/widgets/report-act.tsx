// Báo cáo văn bản có nội dung mật: a person says that a document holds a state secret; it is hidden here at once and the centre is told (Đ15.5). Asked
// twice, since it cannot be taken back here.
import { post } from '../api.ts';
import { useMay } from '../me.ts';
import { words } from '../words.ts';
import { ReasonAct } from './reason-act.tsx';
import { say } from './toasts.tsx';

const w = words.work;

export function ReportAct({ base, onDone }: { readonly base: string; readonly onDone: () => void }) {
  const may = useMay();
  if (!may('document.report')) return null;
  return (
    <ReasonAct
      label={w.report}
      looks="plain"
      title={w.reportTitle}
      how={w.reportHow}
      warns
      reasonLabel={w.reportWhy}
      send={w.reportSend}
      onSend={async (why) => {
        await post(`${base}/report-secret`, { why });
        say(w.secretReported);
        onDone();
      }}
    />
  );
}
