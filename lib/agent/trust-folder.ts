/** The agent's trust in signers whose keys it does not hold itself: certificates in a folder, named by their key identifiers. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../bytes/octets.ts';
import { MAX_CERTIFICATE } from '../cms/certificate.ts';
import { KeyStoreError } from '../errors.ts';
import { requireForSigning, signerOf } from '../keys/certificate-signer.ts';
import { unlinkIfThere, writeDurably } from '../platform/durable-file.ts';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import { readSmallFile } from '../platform/read-small-file.ts';

export interface TrustedCertificate {
  /** Subject key identifier, in hex. */
  readonly keyId: string;
  /** DER */
  readonly certificate: Uint8Array;
}

const ENDING = '.cer';

/** Those that the agent goes by: a file that is no certificate counts for nothing. */
export async function listTrusted(folder: string): Promise<TrustedCertificate[]> {
  const trusted: TrustedCertificate[] = [];
  for (const name of (await namesIn(folder)).toSorted()) {
    const certificate = await readSmallFile(join(folder, name), MAX_CERTIFICATE);
    const keyId = certificate && keyIdOf(certificate);
    if (certificate && keyId !== undefined) trusted.push({ keyId, certificate });
  }
  return trusted;
}

/**
 * Records that this signer signed are opened from now on. Adding one twice does nothing.
 *
 * @throws KeyStoreError BLOB_MALFORMED where it is no certificate, PARAMETER_INVALID where it is not one for signing.
 */
export async function addTrusted(
  folder: string,
  certificate: Uint8Array,
): Promise<TrustedCertificate> {
  const { keyId: bytes } = signerOf(certificate);
  await requireForSigning(certificate);
  const keyId = toHex(bytes);
  // Readable by the agent, whoever puts it there.
  await writeDurably(join(folder, `${keyId}${ENDING}`), certificate, {
    place: 'replace',
    mode: 0o644,
  });
  return { keyId, certificate };
}

/**
 * @param keyId - Or a unique beginning of it, at least 4 hex digits.
 * @throws KeyStoreError KEY_NOT_FOUND, KEY_AMBIGUOUS.
 */
export async function removeTrusted(folder: string, keyId: string): Promise<TrustedCertificate> {
  const wanted = keyId.toLowerCase();
  const isPrefix = /^[0-9a-f]{4,40}$/u.test(wanted);
  const matches = (await listTrusted(folder)).filter(
    (trusted) => isPrefix && trusted.keyId.startsWith(wanted),
  );
  if (matches.length > 1)
    throw new KeyStoreError('KEY_AMBIGUOUS', `${matches.length} signers begin with ${keyId}`);
  const [found] = matches;
  if (!found)
    throw new KeyStoreError(
      'KEY_NOT_FOUND',
      `the agent trusts no signer ${JSON.stringify(keyId)}`,
      {
        hint: 'See `keycask agent trust list`. Signers whose keys the agent holds are trusted as long as it does.',
      },
    );
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    const certificate = await readSmallFile(path, MAX_CERTIFICATE);
    if (certificate && keyIdOf(certificate) === found.keyId)
      await withFsErrors(path, () => unlinkIfThere(path));
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  return withFsErrors(folder, async () => {
    try {
      return (await readdir(folder)).filter((name) => name.endsWith(ENDING));
    } catch (error) {
      if (isFsError(error, 'ENOENT')) return [];
      throw error;
    }
  });
}

function keyIdOf(certificate: Uint8Array): string | undefined {
  try {
    return toHex(signerOf(certificate).keyId);
  } catch {
    return undefined;
  }
}
