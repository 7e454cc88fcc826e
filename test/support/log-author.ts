/** An author of a signed log that several processes can be: its private key and certificate travel as text. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { fromHex, toHex } from '../../lib/bytes/octets.ts';
import { keyIdentifier } from '../../lib/keys/key-identifier.ts';
import { signMessage } from '../../lib/keys/signature.ts';
import { findAmong } from '../../lib/messages/verify-message.ts';
import type { FollowLogOptions, LogAuthor } from '../../lib/signed-log/index.ts';

interface Key {
  readonly privateKey: KeyObject;
  readonly certificate: Uint8Array;
}

export function authorText({ privateKey, certificate }: Key): string {
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return JSON.stringify([pem, toHex(certificate)]);
}

export function authorOf(text: string): LogAuthor {
  const [pem, certificate] = JSON.parse(text) as [string, string];
  const privateKey = createPrivateKey(pem);
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const publicKey = new Uint8Array(spki);
  return {
    identity: {
      keyId: keyIdentifier(publicKey),
      publicKey,
      certificate: fromHex(certificate)!,
      scheme: 'ecdsa-sha256',
      sign: ({ scheme, bytes }) => signMessage(privateKey, scheme, bytes),
    },
    clock: () => new Date(),
  };
}

/** What its readers trust. */
export function trustIn({ identity }: LogAuthor): Omit<FollowLogOptions, 'storage'> {
  return { logId: new Uint8Array(16).fill(0x4c), findSigner: findAmong([identity]) };
}
