/** A signing identity and an exchange key made with node:crypto alone: what a provider would hold, for tests of single rooms. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { encodeCertificate, encodeTbsCertificate } from '../../lib/cms/certificate.ts';
import type { SignatureScheme } from '../../lib/cms/algorithms.ts';
import { keyIdentifier } from '../../lib/keys/key-identifier.ts';
import { signMessage } from '../../lib/keys/signature.ts';
import type { SigningIdentity } from '../../lib/messages/sign-message.ts';

export type TestKeyKind = 'p-256' | 'p-384' | 'rsa-2048' | 'rsa-3072';

export function testKeyPair(kind: TestKeyKind): { privateKey: KeyObject; spki: Uint8Array } {
  const { privateKey, publicKey } = kind.startsWith('rsa')
    ? generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)) })
    : generateKeyPairSync('ec', { namedCurve: kind.toUpperCase() });
  return { privateKey, spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) };
}

const SCHEMES = {
  'p-256': 'ecdsa-sha256',
  'p-384': 'ecdsa-sha384',
  'rsa-2048': 'rsa-pkcs1-sha256',
  'rsa-3072': 'rsa-pkcs1-sha256',
} as const;

export async function testIdentity(
  kind: TestKeyKind = 'p-256',
  scheme: SignatureScheme = SCHEMES[kind],
): Promise<SigningIdentity & { privateKey: KeyObject }> {
  const { privateKey, spki } = testKeyPair(kind);
  const keyId = keyIdentifier(spki);
  const tbs = await encodeTbsCertificate({
    role: 'signature',
    publicKey: spki,
    keyId,
    issuerKeyId: keyId,
    notBefore: new Date('2026-01-01T00:00:00Z'),
    scheme,
  });
  const certificate = await encodeCertificate(
    tbs,
    scheme,
    await signMessage(privateKey, scheme, tbs),
  );
  return {
    keyId,
    publicKey: spki,
    certificate,
    scheme,
    privateKey,
    sign: ({ scheme: wanted, bytes }) => signMessage(privateKey, wanted, bytes),
  };
}
