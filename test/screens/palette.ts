// Makes a screenshot small: a PNG of true colours becomes one of a palette of 256, the most frequent colours as they are, every other as its nearest.
// Screens are flat colours with soft edges of letters; the eye sees no difference, the repository a third of the bytes.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const coloursMax = 256;

function* chunksOf(png: Buffer): Generator<{ type: string; data: Buffer }> {
  for (let at = signature.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    yield {
      type: png.toString('latin1', at + 4, at + 8),
      data: png.subarray(at + 8, at + 8 + length),
    };
    at += 12 + length;
  }
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([head, body, sum]);
}

/** PNG 9.2: the byte that a filter predicts from the left, above and above left. */
function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter !== 4) return 0;
  const guess = left + above - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - above), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/** Throws for what is no PNG of 8 bits a channel, as browsers write it. */
export function toPalette(png: Buffer): Buffer {
  const chunks = [...chunksOf(png)];
  const head = chunks[0]!.data;
  const [width, height, bits, kind] = [head.readUInt32BE(0), head.readUInt32BE(4), head[8], head[9]];
  if (bits !== 8 || (kind !== 2 && kind !== 6)) throw new Error(`PNG of ${bits} bits, kind ${kind}`);
  const size = kind === 6 ? 4 : 3;
  const raw = inflateSync(
    Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)),
  );
  const stride = width * size;
  const pixels = new Uint32Array(width * height);
  const counts = new Map<number, number>();
  let above = Buffer.alloc(stride);
  for (let y = 0; y < height; y++) {
    const line = Buffer.from(raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)));
    const filter = raw[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++)
      line[x] =
        line[x]! +
        predicted(filter, x < size ? 0 : line[x - size]!, above[x]!, x < size ? 0 : above[x - size]!);
    for (let x = 0; x < width; x++) {
      const at = x * size;
      const colour = (line[at]! << 16) | (line[at + 1]! << 8) | line[at + 2]!;
      pixels[y * width + x] = colour;
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    above = line;
  }
  const frequent = [...counts].sort(([, a], [, b]) => b - a).map(([colour]) => colour);
  // The most frequent of each eighth of every channel first: a small green dot stays green among a thousand greys.
  const kinds = new Map<number, number>();
  for (const colour of frequent) {
    const kind = ((colour >> 21) << 6) | (((colour >> 13) & 7) << 3) | ((colour >> 5) & 7);
    if (kinds.size < coloursMax / 2 && !kinds.has(kind)) kinds.set(kind, colour);
  }
  const palette = [...new Set([...kinds.values(), ...frequent])].slice(0, coloursMax);
  const indexOf = new Map(palette.map((colour, i) => [colour, i]));
  const nearest = (colour: number): number => {
    const known = indexOf.get(colour);
    if (known !== undefined) return known;
    let best = 0;
    let distance = Number.POSITIVE_INFINITY;
    for (const [i, each] of palette.entries()) {
      const [r, g, b] = [
        (each >> 16) - (colour >> 16),
        ((each >> 8) & 255) - ((colour >> 8) & 255),
        (each & 255) - (colour & 255),
      ];
      const far = r * r + g * g + b * b;
      if (far < distance) [best, distance] = [i, far];
    }
    indexOf.set(colour, best);
    return best;
  };
  const lines = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) lines[y * (width + 1) + 1 + x] = nearest(pixels[y * width + x]!);
  const newHead = Buffer.from(head);
  newHead[9] = 3;
  return Buffer.concat([
    signature,
    chunk('IHDR', newHead),
    chunk(
      'PLTE',
      Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255])),
    ),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
