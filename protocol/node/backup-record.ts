// What a program knows of its own last backup: one small file in its folder, written by the command that made the backup, beside a running process or
// without one. Must never be part of a backup: a restored folder has none of its own yet, and says so.
// Beside the document's path; read by status, readiness and screens.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupManifest } from './backup-set.ts';
import { writeFileDurable } from './durable.ts';

export const backupRecordFile = 'last-backup.json';

export type BackupRecord = {
  readonly madeMs: number;
  /** Where it was put then; it may have been carried away since. */
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  /** Content that the database named and the folder did not have. */
  readonly missing: number;
};

/** `none` so far, `old`er than is good, `incomplete`: content was missing. */
export type BackupStanding = 'good' | 'old' | 'none' | 'incomplete';
export type BackupState = {
  readonly standing: BackupStanding;
  readonly last: BackupRecord | undefined;
  readonly warnDays: number;
};

const dayMs = 86_400_000;

/** Durable on return. Only of a backup that was read back. */
export function keepBackupRecord(
  dir: string,
  path: string,
  { madeMs, files, missing }: BackupManifest,
): void {
  const bytes = files.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  const record: BackupRecord = { madeMs, path, files: files.length, bytes, missing: missing.length };
  writeFileDurable(join(dir, backupRecordFile), `${JSON.stringify(record)}\n`, { ownedAs: dir });
}

/** A record that cannot be read counts for none: the next backup mends it, and until then a person is warned. */
function readRecord(dir: string): BackupRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(join(dir, backupRecordFile), 'utf8')) as BackupRecord;
    return Number.isSafeInteger(record.madeMs) ? record : undefined;
  } catch {
    return undefined;
  }
}

export function backupState(
  dir: string,
  { warnDays, nowMs }: { warnDays: number; nowMs: number },
): BackupState {
  const last = readRecord(dir);
  const standing =
    last === undefined
      ? 'none'
      : last.missing > 0
        ? 'incomplete'
        : nowMs - last.madeMs >= warnDays * dayMs
          ? 'old'
          : 'good';
  return { standing, last, warnDays };
}

/** What is wrong with it, for a person; undefined: nothing. `command` makes the next one. */
export function backupWarning(
  { standing, last, warnDays }: BackupState,
  { nowMs, command }: { readonly nowMs: number; readonly command: string },
): { readonly vi: string; readonly en: string } | undefined {
  const days = Math.floor((nowMs - (last?.madeMs ?? nowMs)) / dayMs);
  switch (standing) {
    case 'good':
      return undefined;
    case 'none':
      return {
        vi: `Chưa có bản sao lưu nào của máy này: "${command}", cất ở nơi khác`,
        en: `no backup was ever made of this folder: "${command}", and keep it elsewhere`,
      };
    case 'old':
      return {
        vi: `Bản sao lưu gần nhất đã ${days} ngày (quá ${warnDays} ngày): "${command}"`,
        en: `the last backup is ${days} days old (more than ${warnDays}): "${command}"`,
      };
    case 'incomplete':
      return {
        vi: `Bản sao lưu gần nhất thiếu ${last?.missing ?? 0} tệp nội dung: chạy fsck, rồi sao lưu lại`,
        en: `the last backup misses ${last?.missing ?? 0} files of content: run fsck, then back up again`,
      };
  }
}
