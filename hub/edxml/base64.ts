// Base64 text of an attachment → bytes, piece by piece in constant memory. Strict where Node is lenient: a character outside the alphabet,
// data after the padding or a length that is no multiple of four mean a damaged file, and a damaged file must never pass as a shorter one.
import { ExchangeError } from '../../protocol/errors.ts';

const outside = /[^A-Za-z0-9+/]/;
/** References that Java serialisers write for line ends. */
const lineReferences = /&#(?:x0*(?:d|a|9|20)|0*(?:13|10|9|32));/gi;
const lastQuantum = /^[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=)$/;

export function createBase64(): { push(bytes: Uint8Array): Buffer; end(): void } {
  let held = '';
  let done = 0;
  let padded = false;
  const damaged = (why: string) => new ExchangeError('edxml-attachment-damaged', why);

  const clean = (text: string): string => {
    const solid = text.replace(lineReferences, '').replace(/[ \t\r\n]+/g, '');
    const wrong = /[^A-Za-z0-9+/=]/.exec(solid);
    if (wrong && !(wrong[0] === '&' && solid.length - wrong.index < 12)) {
      const code = wrong[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
      throw damaged(`not base64: character U+${code} at position ${done + wrong.index}`);
    }
    return solid;
  };

  return {
    push(bytes) {
      let text = held + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
      if (outside.test(text)) text = clean(text);
      const reference = text.indexOf('&');
      const usable = reference < 0 ? text.length : reference;
      const whole = text.slice(0, usable - (usable % 4));
      held = text.slice(whole.length);
      if (whole === '') return Buffer.alloc(0);
      if (padded) throw damaged('base64 goes on after its padding');
      const equals = whole.indexOf('=');
      if (equals >= 0) {
        if (equals < whole.length - 2 || !lastQuantum.test(whole.slice(-4)))
          throw damaged('base64 goes on after its padding');
        padded = true;
      }
      done += whole.length;
      return Buffer.from(whole, 'base64');
    },
    end() {
      if (held.includes('&')) throw damaged('not base64: character U+0026');
      if (held !== '' && padded) throw damaged('base64 goes on after its padding');
      if (held !== '')
        throw damaged(`base64 is cut off: ${done + held.length} characters, not a multiple of 4`);
    },
  };
}
