// The text of "Nơi nhận" as offices write it -> single places, with what is no place set apart. Pure, and knows no directory: the splitting
// only proposes; recipients.ts decides what a piece names.
import { fold } from './text/fold.ts';

export type PlaceText = {
  /** As written, without bullet, end mark and purpose. */
  readonly text: string;
  /** "(để b/c)", as written. */
  readonly purpose: string;
  /** "as-named": "Như Điều 3", places that the document names elsewhere. "archive": "Lưu: VT". Undefined: a place. */
  readonly note: 'as-named' | 'archive' | undefined;
};

const header = /^\s*nơi\s+nhận\s*[:：]?\s*$/iu;
const bullet = /^\s*(?:[-–—+•*·▪●]|\d{1,2}[.)])\s*/u;
const endMark = /[\s;.,/]+$/u;

/** Lines of the block; a bullet begins a place, a line without one goes on with the place before only where bullets are used. */
function linesOf(text: string): string[] {
  const plain = text
    .normalize('NFC')
    .replace(/\r\n?/g, '\n')
    .replace(/^\s*nơi\s+nhận\s*[:：]/iu, '\n')
    .split(/\n|;/u)
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '' && !header.test(line));
  const bulleted = plain.filter((line) => bullet.test(line)).length * 2 >= plain.length;
  const lines: string[] = [];
  let open = false;
  const ended = text.split('\n').filter((line) => /;\s*$/.test(line)).length > 0;
  for (const line of plain) {
    // A long place is broken over two lines: its second half has neither bullet nor the end mark of another before it.
    if (bulleted && open && !ended && !bullet.test(line) && lines.length > 0)
      lines[lines.length - 1] += ` ${line}`;
    else lines.push(line.replace(bullet, ''));
    open = true;
  }
  return lines;
}

export function placesIn(text: string): PlaceText[] {
  return linesOf(text.slice(0, 64 * 1024)).flatMap((line) => {
    const purpose = [...line.matchAll(/\(([^()]*)\)/gu)]
      .map(([, inner]) => inner!.trim())
      .filter((inner) =>
        /^(để|b\/?c|p\/?h|t\/?h|báo cáo|thực hiện|phối hợp|theo dõi|biết|chỉ đạo|đăng)/iu.test(inner),
      )
      .join(', ');
    const place = line
      .replace(
        /\((để|b\/?c|p\/?h|t\/?h|báo cáo|thực hiện|phối hợp|theo dõi|biết|chỉ đạo|đăng)[^()]*\)/giu,
        ' ',
      )
      .replace(/\s+/g, ' ')
      .replace(endMark, '')
      .trim();
    if (place === '') return [];
    const plain = fold(place);
    const note = /^nhu\b/.test(plain)
      ? ('as-named' as const)
      : /^luu\b/.test(plain)
        ? ('archive' as const)
        : undefined;
    return [{ text: place, purpose, note }];
  });
}

/** "Sở Nội vụ, Sở Tài chính và Sở Y tế" -> three; the head of the first is lent to pieces that begin without one of their own. */
export function splitPlace(text: string): string[] {
  const pieces = text
    .split(/\s*,\s*|\s+và\s+/u)
    .map((each) => each.trim())
    .filter(Boolean);
  return pieces.length > 1 ? pieces : [];
}

/** First word of a kind of office: lent to what follows it in a list. */
export function headOf(text: string): string {
  return (
    /^(Phòng|Ban|Sở|UBND xã|UBND thị trấn|UBND phường|UBND huyện|UBND|Xã|Thị trấn|Phường|Trường|Trung tâm|Chi cục|Hội)(?=\s)/iu.exec(
      text,
    )?.[0] ?? ''
  );
}
