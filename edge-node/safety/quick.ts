// The look that costs nothing: metadata, file names, sizes, the first bytes. At sending it refuses before anything is stored; at receiving it
// decides whether the document is shown at once or waits for the check. It must never read more than the head of a file.
import { headBytes } from '../../certs/inspect/check-parts.ts';
import { type QuickLook, quickLook } from '../../certs/inspect/quick-look.ts';
import { ExchangeError } from '../../protocol/errors.ts';
import {
  decide,
  type Finding,
  findingWords,
  isSecret,
  refusalText,
  type Weighed,
} from '../../protocol/safety/findings.ts';
import { kindNameOf } from '../../protocol/safety/kind-name.ts';
import type { Rules } from '../../protocol/safety/policy.ts';
import { type Said, secretsSaid } from '../../protocol/safety/secrecy.ts';
import type { EdgeContext } from '../context.ts';
import type { NewCheck } from '../store/safety-ops.ts';
import type { PartRow } from '../store/types.ts';

/** Throws `secrecy-refused` with the field; never with its text. Nobody overrides it. */
export function assertNoSecret(said: Said): void {
  const [found] = secretsSaid(said);
  if (found)
    throw new ExchangeError(
      'secrecy-refused',
      `${found.code} /${found.where}: ${findingWords[found.code].vi}`,
    );
}

export function rulesOf(
  context: EdgeContext,
  about: { readonly unit: string; readonly kind: number },
): Rules {
  const directory = context.directory.current();
  const own = context.identity().units.filter(({ unit }) => unit === about.unit);
  const codes = [about.unit, directory.codeOf(about.unit), ...own.map(({ code }) => code)];
  return context.safety.policy.rulesFor({ kind: kindNameOf(about.kind), codes });
}

async function headOf(part: PartRow, { content }: EdgeContext): Promise<Uint8Array> {
  if (part.content) return part.content.subarray(0, headBytes);
  const pieces: Uint8Array[] = [];
  for await (const piece of await content.read(part.sha256, { from: 0, to: headBytes })) pieces.push(piece);
  return Buffer.concat(pieces);
}

const look = (parts: readonly PartRow[], rules: Rules, context: EdgeContext): Promise<QuickLook> =>
  quickLook(
    parts.map((part, index) => ({
      index,
      name: part.name,
      lengthBytes: part.length,
      head: () => headOf(part, context),
    })),
    { rules, scanning: context.safety.scanner.configured },
  );

const checkOf = (
  state: NewCheck['state'],
  looked: QuickLook,
  more: Pick<NewCheck, 'submitter' | 'policy' | 'secret'> & { readonly weighed: readonly Weighed[] },
): NewCheck => ({
  state,
  submitter: more.submitter,
  findings: JSON.stringify(more.weighed),
  parts: JSON.stringify(looked.verdicts),
  policy: more.policy,
  secret: more.secret,
});

/**
 * Of a document that is handed in. Throws `file-refused` for what is refused already now; undefined when nothing has to be looked at and
 * nothing was found.
 */
export async function checkForSending(
  about: {
    readonly unit: string;
    readonly kind: number;
    readonly actor: string;
    readonly parts: readonly PartRow[];
  },
  context: EdgeContext,
): Promise<NewCheck | undefined> {
  const removed = about.parts.findIndex(({ sha256 }) => context.store.isDenied(sha256));
  if (removed >= 0)
    throw new ExchangeError('secrecy-refused', `/parts/${removed} was removed as a state secret`);
  const rules = rulesOf(context, about);
  const looked = await look(about.parts, rules, context);
  const { action, findings } = decide(looked.findings, rules, { types: looked.types, receiving: false });
  if (action === 'refuse') throw new ExchangeError('file-refused', refusalText(findings));
  return newCheck(looked, { action, findings }, { submitter: about.actor, context, secret: false });
}

/** Of an arrival. Never refuses: its receipt will be signed; what is wrong is held. */
export async function checkForReceiving(
  about: {
    readonly unit: string;
    readonly kind: number;
    readonly said: Said;
    readonly parts: readonly PartRow[];
    readonly documentId: Uint8Array;
  },
  context: EdgeContext,
): Promise<NewCheck | undefined> {
  const rules = rulesOf(context, about);
  const looked = await look(about.parts, rules, context);
  const secrets = secretsSaid(about.said).map(({ code, where }): Finding => ({ code, said: `/${where}` }));
  const decision = decide([...secrets, ...looked.findings], rules, { types: looked.types, receiving: true });
  return newCheck(looked, decision, {
    submitter: '',
    context,
    // What operators had removed is not shown, whoever sends it again.
    secret: secrets.some(isSecret) || context.store.isRemoved(about.documentId),
  });
}

function newCheck(
  looked: QuickLook,
  { action, findings }: { readonly action: string; readonly findings: readonly Weighed[] },
  {
    submitter,
    context,
    secret,
  }: { readonly submitter: string; readonly context: EdgeContext; readonly secret: boolean },
): NewCheck | undefined {
  const policy = context.safety.policy.state().version;
  const more = { submitter, policy, secret, weighed: findings };
  // Also what is held already is looked at to the end, so that a person who decides knows everything; a marked secret is touched no more.
  if (secret) return checkOf('held', looked, more);
  if (looked.waits || action === 'hold') return checkOf('pending', looked, more);
  return findings.length > 0 ? checkOf('passed', looked, more) : undefined;
}
