/** Looking after the pins of a home: list, add, revoke. */
import { equalBytes, toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { requireForSigning, signerOf } from '../keys/certificate-signer.ts';
import type { Pin } from '../trust/trust.ts';
import type { Home } from './home.ts';
import { checkText } from './key-texts.ts';
import { findSignedBy } from './rewrap.ts';
import type { TrustedSignerInfo } from './types.ts';

export function listSigners(home: Home): TrustedSignerInfo[] {
  return home.trust.pins.map(describePin);
}

/** Pins somebody else's signing certificate: his records can be imported, his files decrypted. */
export async function trustSigner(
  home: Home,
  certificate: Uint8Array,
  name?: string,
): Promise<TrustedSignerInfo> {
  await home.refresh();
  const { subject } = await requireForSigning(certificate);
  const { keyId } = signerOf(certificate);
  if (home.trust.find(keyId))
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      'this signer is listed already; a revoked one stays revoked',
    );
  checkText('name', name ?? subject, 255);
  const pin = { state: 'pinned', name: name ?? subject, certificate } as const;
  await home.commitTrust((list) => ({ ...list, signers: [...list.signers, pin] }));
  return describePin(home.trust.find(keyId)!);
}

/** Ends all trust in a signer, a retired container of one's own included. Final. */
export async function revokeSigner(home: Home, keyIdOrName: string): Promise<TrustedSignerInfo> {
  await home.refresh();
  const { keyId, state } = findPin(home, keyIdOrName);
  if (state === 'current') {
    throw new KeyStoreError('POLICY_REFUSED', 'this is the key that the home signs with', {
      hint: 'Replace it first: `keycask container rotate`.',
    });
  }
  if (state === 'retired' && (await findSignedBy(home, (signer) => equalBytes(signer, keyId)))) {
    throw new KeyStoreError('POLICY_REFUSED', 'records of this store are still signed by it', {
      hint: 'Finish the rotation first: `keycask container rotate`.',
    });
  }
  await home.commitTrust((list) => ({
    ...list,
    containers: list.containers.map((container) =>
      isSigner(container.signing, keyId) ? { ...container, state: 'revoked' } : container,
    ),
    signers: list.signers.map((signer) =>
      isSigner(signer.certificate, keyId) ? { ...signer, state: 'revoked' } : signer,
    ),
  }));
  return describePin(home.trust.find(keyId)!);
}

function findPin(home: Home, keyIdOrName: string): Pin {
  const wanted = keyIdOrName.toLowerCase();
  const isPrefix = /^[0-9a-f]{4,40}$/.test(wanted);
  const matches = home.trust.pins.filter(
    ({ name, keyId }) => name === keyIdOrName || (isPrefix && toHex(keyId).startsWith(wanted)),
  );
  // One signer may be listed twice: by two processes at once, or as somebody whose container was then brought in.
  const signers = new Set(matches.map(({ keyId }) => toHex(keyId)));
  if (signers.size > 1)
    throw new KeyStoreError('KEY_AMBIGUOUS', `${signers.size} signers are called ${keyIdOrName}`);
  if (!matches[0])
    throw new KeyStoreError('KEY_NOT_FOUND', `no signer is called ${JSON.stringify(keyIdOrName)}`, {
      hint: 'See `keycask trust list`.',
    });
  return matches[0];
}

function isSigner(certificate: Uint8Array, keyId: Uint8Array): boolean {
  return equalBytes(signerOf(certificate).keyId, keyId);
}

function describePin({ name, state, keyId, certificate }: Pin): TrustedSignerInfo {
  return { name, state, keyId: toHex(keyId), certificate };
}
