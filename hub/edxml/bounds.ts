// The bounds of an edXML message, each with its reason. They are enforced while the bytes come in, before memory is spent, and are
// counted, never taken from a length that the message states. Protocol bounds stay in protocol/limits.ts.
import { limits } from '../../protocol/limits.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

export type Bounds = typeof bounds;
export const bounds = {
  /** All XML outside attachment text. Thousands of receivers need about 2 MiB; a nested document in a foreign field some more. */
  xmlBytesMax: (16 * MiB) as number,
  /** One tag with its attributes. The largest seen has 300 bytes. */
  tagBytesMax: (64 * KiB) as number,
  /** The deepest sample, a signature, has 8 levels. */
  depthMax: 32 as number,
  attributesMax: 64 as number,
  /** A receiver list of 5,000 offices has about 50,000 elements. */
  elementsMax: 200_000 as number,
  /** As many as a document of the exchange may have. */
  attachmentsMax: limits.partsMax as number,
  /** One unzipped file. Below 4 GiB, so that a ZIP never needs its 64-bit form. */
  fileBytesMax: (2048 * MiB) as number,
  /** All unzipped files of one message. */
  filesBytesMax: (4096 * MiB) as number,
  /** Once `ratioFromBytes` have come out, a ZIP may not have grown more than this: office files stay below 100, bombs reach 1,000. */
  ratioMax: 200 as number,
  ratioFromBytes: (8 * MiB) as number,
  /** What may follow the compressed bytes in a ZIP: descriptor, one directory entry, end record, comment. */
  zipTailBytesMax: (200 * KiB) as number,
  /** Warnings kept; a hostile message could cause one per element. */
  warningsMax: 200 as number,
} as const;
