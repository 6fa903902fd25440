// Khối xác thực: the signatures in the files, the check of the files, and the seal of the transport, each a sentence in words, with one advice.
import type { DocumentView } from '../../../core.ts';
import { words } from '../words.ts';
import type { Tone } from './basics.tsx';

const w = words.safety;

/** How the signatures of the files stand together: the worst decides. Verdicts are those of certs/pdf/verdict.ts. */
export function standingOfSignatures(view: DocumentView): 'good' | 'bad' | 'unsure' | 'none' {
  const verdicts =
    view.safety?.parts.map(({ verdict }) => verdict).filter((verdict) => verdict !== undefined) ?? [];
  if (verdicts.length === 0) return 'none';
  if (verdicts.some((verdict) => verdict === 'invalid' || verdict === 'changed-after-signing')) return 'bad';
  if (verdicts.every((verdict) => verdict === 'unsigned')) return 'none';
  return verdicts.every((verdict) => /^(original-value|organisation-only|unsigned)$/.test(verdict))
    ? 'good'
    : 'unsure';
}

const tones: Readonly<Record<string, Tone>> = { good: 'good', bad: 'bad', unsure: 'warn', none: 'warn' };

export function Verification({ view, sender }: { readonly view: DocumentView; readonly sender: string }) {
  const standing = standingOfSignatures(view);
  const safety = view.safety;
  return (
    <section class="card">
      <h2>{words.document.verification}</h2>
      <div class={`notice ${tones[standing]}`}>
        <p>
          <strong>{w.signature}: </strong>
          {!safety?.parts.some(({ sentence }) => sentence) && w.noSignature}
        </p>
        {safety?.parts
          .filter(({ sentence }) => sentence)
          .map((part) => (
            <p key={part.index}>
              {view.parts[part.index]?.name}: {part.sentence?.vi}
            </p>
          ))}
        {w.advice[standing] && <p>{w.advice[standing]}</p>}
      </div>
      {safety && (
        <div class={`notice ${safety.state === 'passed' || safety.state === 'released' ? 'good' : 'warn'}`}>
          <p>
            <strong>{w.title}: </strong>
            {safety.words.vi}
          </p>
          {safety.findings.map((finding) => (
            <p key={`${finding.code} ${finding.part}`}>
              {finding.words.vi} <span class="muted">{words.problem.code(finding.code)}</span>
            </p>
          ))}
          {safety.parts.map((part) => (
            <p key={part.index} class="muted">
              {view.parts[part.index]?.name}: {part.scanWords.vi}
            </p>
          ))}
        </div>
      )}
      <div class="notice good">
        <p>
          <strong>{words.document.seal}: </strong>
          {words.document.sealGood(sender)}
        </p>
      </div>
    </section>
  );
}
