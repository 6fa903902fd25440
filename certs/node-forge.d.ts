// The few calls of node-forge that p12-legacy.ts makes; the package brings no types.
declare module 'node-forge' {
  type Asn1 = { readonly forgeAsn1: never };
  type Certificate = { readonly forgeCertificate: never };
  type Key = { readonly forgeKey: never };
  type Bag = { cert?: Certificate | null; key?: Key | null; attributes: { friendlyName?: string[] } };
  const forge: {
    asn1: { fromDer(bytes: string): Asn1; toDer(value: Asn1): { getBytes(): string } };
    pki: { certificateToAsn1(certificate: Certificate): Asn1; privateKeyToPem(key: Key): string };
    pkcs12: {
      pkcs12FromAsn1(value: Asn1, strict: boolean, password: string): { safeContents: { safeBags: Bag[] }[] };
    };
  };
  export = forge;
}
