// "lienthong search" and "lienthong node reindex": find a document by any word of its metadata, and make the search anew.
// They ask the node; nothing of a document is changed.
import type { Command } from 'commander';
import { runCommand, visible } from '../bin/output.ts';
import { withNode } from './commands-reach.ts';
import { timeText, withDir } from './commands-words.ts';
import type { FoundDocument, Page } from './core.ts';

type SearchOptions = {
  readonly dir: string;
  readonly json?: boolean;
  readonly unit?: string;
  readonly direction?: string;
  readonly sort?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
  readonly after?: string;
};

export function searchCommand(program: Command): void {
  withDir(program.command('search'))
    .argument('[words...]', 'các từ cần tìm, có dấu hay không đều được; words, with or without marks')
    .option('--direction <out|in>', 'chỉ văn bản đi hoặc đến; only sent or only received')
    .option('--unit <code>', 'chỉ của đơn vị này; only of this unit of the node')
    .option('--sort <newest|subject>', 'mới nhất trước, hoặc theo trích yếu (thứ tự chữ Việt)')
    .option('--since <time>', 'từ lúc; only from this time on, as 2026-11-01T00:00:00+07:00')
    .option('--until <time>', 'trước lúc; only before this time')
    .option('--limit <rows>', 'số dòng; 1 to 200, default 50')
    .option('--after <next>', 'trang tiếp theo; the page that follows')
    .description(
      'Tìm văn bản đi và đến theo mọi trường: trích yếu, số/ký hiệu, người ký, cơ quan, tên tệp, ghi chú. Không phân biệt hoa thường, dấu, đ/d, hoà/hòa.\nFinds sent and received documents by any field; the last word may be a beginning, "words in quotation marks" stand in this order.',
    )
    .action((words: string[], options: SearchOptions) =>
      runCommand(async (out) => {
        const { dir, json: _, ...rest } = options;
        const asked = { ...rest, q: words.join(' ') };
        const given = Object.entries(asked).filter((pair): pair is [string, string] => Boolean(pair[1]));
        const { body } = await withNode(dir, (node) =>
          node.call<Page<FoundDocument>>('GET', `/v1/search?${new URLSearchParams(given).toString()}`),
        );
        out.answer(body);
        out.table(
          ['lúc', '', 'số/ký hiệu', 'trích yếu', 'nơi gửi/nhận', 'mã'],
          body.rows.map((row) => [
            timeText(row.atMs),
            row.direction === 'out' ? 'đi' : 'đến',
            [row.number, row.notation].filter(Boolean).join('/'),
            row.subject.slice(0, 70),
            row.places.slice(0, 3).join(', '),
            row.envelopeId ?? row.documentId,
          ]),
        );
        if (body.rows.length === 0) out.say('Không tìm thấy — nothing found.');
        if (body.filling)
          out.say(
            'Bảng tìm kiếm đang được dựng sau khi khởi động, văn bản cũ có thể còn thiếu: hãy tìm lại sau ít phút — the search is still being made, older documents may be missing: ask again in a few minutes.',
          );
        if (body.next) out.say(visible(`--after ${body.next}`));
      }, options),
    );
}

export function reindexCommand(node: Command): void {
  withDir(node.command('reindex'))
    .description(
      'Dựng lại bảng tìm kiếm từ các văn bản; nút vẫn làm việc.\nMakes the search anew from the documents; the node goes on working.',
    )
    .action((options: { dir: string; json?: boolean }) =>
      runCommand(async (out) => {
        const { body } = await withNode(options.dir, (node) =>
          node.call<{ documents: number }>('POST', '/control/reindex', {}),
        );
        out.answer(body);
        out.say(`${body.documents} văn bản tìm được — documents can be found.`);
      }, options),
    );
}
