// Tells people when no console is open: by mail and by a web hook, with the urgency and the unit and never anything of a document. The only door of
// nodemailer. A notice that cannot be sent is logged and dropped: the document waits in the list all the same.
import { createTransport } from 'nodemailer';
import type { Clock } from '../../protocol/node/clock.ts';
import type { Log } from '../../protocol/node/logger.ts';
import { rateLimit } from '../../protocol/node/rate-limit.ts';
import { kinds } from '../../protocol/seal.ts';
import type { Edge } from '../core.ts';
import { type DigestConfig, startDigest } from './digest.ts';

export type NotifyConfig = {
  readonly mail?: {
    readonly host: string;
    readonly port: number;
    readonly from: string;
    readonly to: readonly string[];
    /** TLS from the first byte; otherwise STARTTLS where the server offers it. */
    readonly secure?: boolean;
  };
  readonly webhook?: { readonly url: string };
  /** Least urgency that is told: 0 everything, 1 khẩn, 3 hỏa tốc. Default 1. */
  readonly urgency?: number;
  /** Daily digest on working days at this time (HH:mm); also to the heads of the unit. */
  readonly digest?: DigestConfig;
};

const timeoutMs = 15_000;
const urgencyWords = ['thường', 'khẩn', 'thượng khẩn', 'hỏa tốc', 'hỏa tốc hẹn giờ'];

export type Notifier = { close(): Promise<void> };

export function startNotifier(
  config: NotifyConfig,
  {
    edge,
    log,
    clock,
    url,
  }: { readonly edge: Edge; readonly log: Log; readonly clock: Clock; readonly url: string },
): Notifier {
  const { mail, webhook, urgency: least = 1 } = config;
  // A flood of documents is one thing to look at, not a thousand mails.
  const limit = rateLimit({ perSecond: 1 / 30, burst: 10, clock });
  const transport =
    mail &&
    createTransport({
      host: mail.host,
      port: mail.port,
      secure: mail.secure === true,
      connectionTimeout: timeoutMs,
      socketTimeout: timeoutMs,
    });

  const tell = (subject: string, kind: string, urgency: number): Promise<void> =>
    send({
      subject,
      text: `${subject}\n\nMở trang của nút để xem: ${url}\n`,
      hook: { kind, urgency, text: subject },
    });

  async function send({
    subject,
    text,
    more = [],
    hook,
  }: {
    readonly subject: string;
    readonly text: string;
    readonly more?: readonly string[];
    readonly hook: { readonly kind: string; readonly [more: string]: unknown };
  }): Promise<void> {
    const sends: Promise<unknown>[] = [];
    if (mail && transport)
      sends.push(
        transport.sendMail({
          from: mail.from,
          to: [...new Set([...mail.to, ...more])],
          headers: { 'x-lienthong-kind': hook.kind },
          subject,
          text,
        }),
      );
    if (webhook)
      sends.push(
        fetch(webhook.url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(hook),
          redirect: 'error',
          signal: AbortSignal.timeout(timeoutMs),
        }).then((answer) => answer.body?.cancel()),
      );
    for (const result of await Promise.allSettled(sends))
      if (result.status === 'rejected')
        log.warn({ event: 'notice.unsent', said: String(result.reason).slice(0, 200) });
  }

  const stop = edge.onEvent((event) => {
    void (async () => {
      if (event.kind === 'arrived') {
        const view = await edge.show(event.envelopeId, { direction: 'in' });
        if (view.urgency < least || (view.kind !== kinds.document && view.kind !== kinds.replacement)) return;
        // Flash is never held back.
        if (view.urgency < 3) limit.take('all');
        await tell(`Có văn bản ${urgencyWords[view.urgency] ?? 'khẩn'} mới đến`, 'arrived', view.urgency);
      } else if (event.kind === 'flash')
        await tell(
          event.code === 'flash-unseen'
            ? 'Văn bản hỏa tốc chưa ai mở'
            : 'Văn bản hỏa tốc gửi đi chưa tới nơi nhận',
          event.code,
          3,
        );
    })().catch((error: unknown) => {
      // Too many at once, or the document is gone again.
      log.debug({ event: 'notice.unsent', said: String(error).slice(0, 200) });
    });
  });
  const digest =
    config.digest &&
    startDigest(config.digest, {
      edge,
      clock,
      log,
      url,
      tell: ({ subject, text, unit, to, counts }) =>
        send({ subject, text, more: to, hook: { kind: 'digest', unit, counts } }),
    });
  return {
    async close() {
      stop();
      await digest?.stop();
      transport?.close();
    },
  };
}
