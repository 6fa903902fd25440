// The browser's half of a passkey: bytes are base64url on the wire and buffers in the browser's own interface. Written out, since browsers of two years
// ago have no toJSON of their own.

const toBytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
const toText = (bytes: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');

type Known = { readonly id: string; readonly type: 'public-key' };
export type NewKeyQuestion = {
  readonly challenge: string;
  readonly rp: { readonly id: string; readonly name: string };
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string };
  readonly pubKeyCredParams: PublicKeyCredentialParameters[];
  readonly timeout: number;
  readonly excludeCredentials: readonly Known[];
  readonly authenticatorSelection: AuthenticatorSelectionCriteria;
};
export type KeyQuestion = {
  readonly challenge: string;
  readonly rpId: string;
  readonly timeout: number;
  readonly allowCredentials: readonly Known[];
};

/** Passkeys need a name in the address bar (no IP address) and, beyond this machine, TLS. */
export const canPasskey = (): boolean =>
  isSecureContext && 'PublicKeyCredential' in window && !/^[\d.]+$|:/.test(location.hostname);

const known = (keys: readonly Known[]): PublicKeyCredentialDescriptor[] =>
  keys.map(({ id, type }) => ({ id: toBytes(id), type }));

/** Rejects when the person cancels. */
export async function makePasskey(question: NewKeyQuestion): Promise<object> {
  const { challenge, user, excludeCredentials, ...rest } = question;
  const made = (await navigator.credentials.create({
    publicKey: {
      ...rest,
      challenge: toBytes(challenge),
      user: { ...user, id: toBytes(user.id) },
      excludeCredentials: known(excludeCredentials),
    },
  })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id,
    rawId: toText(made.rawId),
    type: made.type,
    clientExtensionResults: {},
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      attestationObject: toText(response.attestationObject),
      transports: response.getTransports?.() ?? [],
    },
  };
}

/** Rejects when the person cancels. */
export async function usePasskey({ challenge, allowCredentials, ...rest }: KeyQuestion): Promise<object> {
  const used = (await navigator.credentials.get({
    publicKey: { ...rest, challenge: toBytes(challenge), allowCredentials: known(allowCredentials) },
  })) as PublicKeyCredential;
  const response = used.response as AuthenticatorAssertionResponse;
  return {
    id: used.id,
    rawId: toText(used.rawId),
    type: used.type,
    clientExtensionResults: {},
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      authenticatorData: toText(response.authenticatorData),
      signature: toText(response.signature),
      ...(response.userHandle ? { userHandle: toText(response.userHandle) } : {}),
    },
  };
}
