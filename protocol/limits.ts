// Every bound in the system, each with its reason and who enforces it. Limits are enforced before memory is spent.
// A peer that needs more gets an error that names the limit. PROTOCOL.md 9 repeats this table.

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

export const limits = {
  /** Signed header bytes. 1,024 recipients need about 70 KiB. Larger costs hub memory per envelope; smaller refuses real mailings. `codec`, `open`. */
  headerBytesMax: 256 * KiB,
  /** Salt + metadata block. Names of 64 parts and long subjects need about 32 KiB. `codec`, `open`. */
  metadataBytesMax: 128 * KiB,
  /** "tất cả xã, thị trấn" of a province is about 200; all bodies of a province about 1,000. `open`, local API. */
  recipientsMax: 1024,
  /** Real documents have 1 to 10 files; a dossier up to 60. `open`, local API. */
  partsMax: 64,
  /** One part. Chunk hashes of 64 GiB are 2 MiB, the most we hold for one transfer. Uploads, local API. */
  partBytesMax: 64 * GiB,
  /** A part not larger than this may ride inside the wrapper; larger ones are uploaded. Larger: batches hog memory; smaller: a
   *  usual PDF costs three round trips on a slow line. Sender, hub, receiver. */
  inlinePartBytesMax: 256 * KiB,
  /** All inline parts of one wrapper together. */
  inlineTotalBytesMax: 512 * KiB,
  /** One wrapper: header + metadata + inline parts + hop trace. `codec`. */
  wrapperBytesMax: 1536 * KiB,
  /** Wrappers in one submission or one poll answer. Larger batches lengthen the commit everybody waits for. */
  batchItemsMax: 128,
  /** Body of one batch. The hub holds one per peer at most times its concurrency bound. HTTP layer. */
  batchBytesMax: 4 * MiB,
  /** Body of one statement batch. */
  statementsBytesMax: 2 * MiB,
  /** One signed statement. A submission receipt for 1,024 recipients needs about 60 KiB. */
  statementBytesMax: 160 * KiB,
  /** Hubs an envelope may pass: commune, district, province, centre, and back down. More is a loop. `accept`. */
  hopsMax: 8,
  /** DESIGN §5: leaves of a Merkle batch; a path of at most 10 hashes. `signature`. */
  merkleLeavesMax: 1024,
  /** Unit of verification and resumption. Larger costs more per cut; smaller costs more hashes per file. */
  chunkBytes: 1 * MiB,
  /** Bytes in one append of an upload: what a cut can cost at most. A multiple of chunkBytes. `transfer`, hub. */
  appendBytesMax: 4 * MiB,
  /** Protobuf nesting inside our messages is at most 4; deeper is hostile. `codec`. */
  nestingMax: 16,
  /** A name is shown, never used as a path; 255 bytes is what file systems of the receivers take. `names`. */
  partNameBytesMax: 255,
  /** Trích yếu is 500 characters in Decree 30/2020 Appendix VI; four bytes each. Local API. */
  subjectBytesMax: 2000,
  /** A created time further ahead of the hub's clock is held, temporarily. DESIGN §5 Clock. `accept`. */
  aheadOfHubMsMax: 5 * 60_000,
  /** Transport deadline when the sender names none, and the longest it may name. */
  deliverByDefaultMs: 30 * 86_400_000,
  deliverByMaxMs: 400 * 86_400_000,
  /** How long the hub holds a poll before it answers empty. Below the 30 s that office middleboxes cut idle connections at. */
  pollHoldMs: 25_000,
  /** Lease of a delivery handed out on a poll: longer than fetching an inline batch over 64 kbit/s; extended while a part is fetched. */
  leaseMs: 120_000,
  /** Upload ids unused for this long are collected. Longer than a weekend. */
  uploadIdleMs: 7 * 86_400_000,
  /** Uploads one unit may have open. */
  uploadsOpenMax: 64,
  /** Words of another system in a signed statement: a sentence of its error answer. `statement`. */
  foreignWordsBytesMax: 300,
  /** Hand-outs of one delivery without a receipt before it is set aside for a person (poison). */
  attemptsMax: 30,
} as const;
