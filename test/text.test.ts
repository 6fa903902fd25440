// Vietnamese text: folding for search, sorting, and (below) legacy encodings against the samples of others.
import t from 'tap';
import { compareVietnamese, fold, foldedWords, sameSpelling, sortKey } from '../protocol/text/fold.ts';

t.test('search folding makes every way of writing a name equal', async (t) => {
  const ways = [
    'Hoả tốc',
    'Hỏa tốc',
    'HỎA  TỐC',
    'hoa toc',
    'Hỏa tốc'.normalize('NFD'),
    'ｈỏａ\u00a0tốc',
    ' Hoả\ttốc\u200b',
  ];
  for (const way of ways) t.equal(fold(way), 'hoa toc', JSON.stringify(way));
  for (const d of ['Đ', 'đ', 'Ð', 'ð', 'Ɖ', 'ɖ', 'D', 'd']) t.equal(fold(`${d}ông Hà`), 'dong ha', d);
  t.same(foldedWords('Số: 09/2025/QĐ–TTg'), ['so', '09', '2025', 'qd', 'ttg']);
  t.same(foldedWords('  …/ - '), []);
  for (const text of ['Ủy ban', 'ﬁ ½ Ⅷ', 'İstanbul', 'ß', '\ud800', 'Ǆ'])
    t.equal(fold(fold(text)), fold(text), text);
});

t.test('one spelling per meaning keeps marks and case', async (t) => {
  t.equal(sameSpelling('Hoả tốc'), sameSpelling('Hỏa tốc'.normalize('NFD')));
  t.equal(sameSpelling('thuỷ lợi QÐ'), sameSpelling('thủy lợi QĐ'));
  for (const other of ['hoa', 'hòa', 'họa', 'hoà bình', 'Hỏa'])
    t.not(sameSpelling('hỏa'), sameSpelling(other), other);
});

t.test('sorting is Vietnamese, and the stored key sorts as the collator of the platform does', async (t) => {
  const units = [
    'Yên Bái',
    'Đông Hà',
    'Đồng Hới',
    'Dak Lak',
    'Ea Súp',
    'Ân Thi',
    'An Khê',
    'Ăn',
    'án',
    'ăn',
    'ân',
    'an',
    'An',
    'Ô Môn',
    'Ơ',
    'O',
  ];
  const more = [
    'Ư',
    'U',
    'ca',
    'ba',
    'bà',
    'bả',
    'bã',
    'bá',
    'bạ',
    'Ba',
    '10',
    '9',
    'a b',
    'ab',
    'Quảng Trị',
    'Quảng Bình',
    'zê',
    'f',
    'w',
  ];
  const all = [...units, ...more];
  t.same([...all].sort(compareVietnamese), [...all].sort(new Intl.Collator('vi').compare));
  t.same(
    ['Hỏa Lò', 'Hoả An', 'Hòa An', 'Hoa An', 'Họa An'].sort(compareVietnamese),
    ['Hoa An', 'Hòa An', 'Hoả An', 'Họa An', 'Hỏa Lò'],
    'where the tone mark stands does not part equal words',
  );
  t.equal(compareVietnamese('Hoả', 'Hỏa'), 0);
  t.ok(sortKey('x'.repeat(10_000)).length < 700, 'the key is bounded');
});
