// Damages bytes as lines, disks and attackers do: bits, cuts, copies, swapped pieces, numbers at their edges. Reproducible by the chance that is given.
import type { Chance } from '../soak/random.ts';

const edges = [0, 1, 0x7f, 0x80, 0xff];
const words = [
  '65535',
  '4294967295',
  '-1',
  '0',
  '999999999999',
  '<<',
  '>>',
  'obj',
  'endobj',
  'stream',
  '/Length',
  '1 0 R',
  '\0',
  '<!DOCTYPE',
  '<![CDATA[',
  '&#0;',
];

function one(bytes: Buffer, chance: Chance, other: Buffer): Buffer {
  const at = chance.whole(0, Math.max(0, bytes.length - 1));
  const length = chance.whole(1, Math.max(1, Math.min(bytes.length - at, 400)));
  const piece = bytes.subarray(at, at + length);
  switch (chance.whole(0, 8)) {
    case 0: {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at] = copy[at]! ^ (1 << chance.whole(0, 7));
      return copy;
    }
    case 1: {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at] = chance.pick(edges);
      return copy;
    }
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 4:
      return Buffer.concat([
        bytes.subarray(0, at),
        ...Array.from({ length: chance.whole(1, 20) }, () => piece),
        bytes.subarray(at),
      ]);
    case 5: {
      const from = chance.whole(0, Math.max(0, other.length - 1));
      return Buffer.concat([
        bytes.subarray(0, at),
        other.subarray(from, from + length),
        bytes.subarray(at + length),
      ]);
    }
    case 6:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(chance.pick(words)),
        bytes.subarray(at + chance.whole(0, 8)),
      ]);
    case 7: {
      // A number in the text becomes another.
      const text = bytes.toString('latin1');
      const numbers = [...text.matchAll(/\d+/g)];
      if (numbers.length === 0) return bytes;
      const found = chance.pick(numbers);
      return Buffer.from(
        text.slice(0, found.index) +
          chance.pick(['0', '1', '65536', '2147483648', '99999999999', String(chance.whole(0, 5000))]) +
          text.slice(found.index + found[0].length),
        'latin1',
      );
    }
    default: {
      const copy = Buffer.from(bytes);
      for (let i = 0; i < 8 && copy.length > 0; i++)
        copy[chance.whole(0, copy.length - 1)] = chance.whole(0, 255);
      return copy;
    }
  }
}

const bytesMax = 2 * 1024 * 1024;

export function mutate(sample: Buffer, chance: Chance, other: Buffer): Buffer {
  let bytes = sample;
  for (let i = chance.whole(1, 6); i > 0; i--) bytes = one(bytes, chance, other).subarray(0, bytesMax);
  return bytes;
}
