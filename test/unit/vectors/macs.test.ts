/** MACs, hashes of session keys, and what the providers can do: answers of Wine, through keycask/legacy. */
import { expect } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/index.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import {
  capiCbcMac,
  capiHmac,
  capiProviderAlgorithms,
  hashSessionKey,
  importCapiKey,
  type CapiProvider,
} from '../../../lib/legacy/index.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex } from '../../support/bytes.ts';
import { CIPHER_ALG_ID, HASH_ALG_ID } from '../../support/capi-names.ts';

interface MacVector {
  readonly kind: string;
  readonly hash: string;
  readonly alg: string;
  readonly key: string;
  readonly message: string;
  readonly mac: string;
  readonly rfc2104?: string;
  readonly wine_equals_rfc2104?: boolean;
  readonly flag: string;
  readonly sha1: string;
}

describeSharedVectors<MacVector>('wine-capi-mac-hash.json', async (vector): Promise<Verdict> => {
  if (vector.kind === 'hmac') {
    const mac = await capiHmac(HASH_ALG_ID[vector.hash]!, hex(vector.key), hex(vector.message));
    expect(toHex(mac)).toBe(vector.rfc2104 ?? vector.mac);
    if (vector.wine_equals_rfc2104 !== false) return { passed: 'HMACs' };
    return { outOfScope: 'HMACs that Wine alone makes so: RFC 2104 has another, which passes' };
  }
  using key = importCapiKey(CIPHER_ALG_ID[vector.alg]!, hex(vector.key));
  if (vector.kind === 'cbc_mac') {
    expect(toHex(await capiCbcMac(key, hex(vector.message)))).toBe(vector.mac);
    return { passed: 'CBC-MACs' };
  }
  expect(vector.kind).toBe('hash_session_key');
  const littleEndian = vector.flag === 'CRYPT_LITTLE_ENDIAN';
  const hash = await hashSessionKey(ALG_ID.CALG_SHA1, key, { littleEndian });
  expect(toHex(hash)).toBe(vector.sha1);
  return { passed: 'hashes of session keys' };
});

interface AlgorithmVector {
  readonly kind: string;
  readonly provider: CapiProvider;
  readonly name: string;
  readonly algid: number;
  readonly min: number;
  readonly default: number;
  readonly max: number;
}

describeSharedVectors<AlgorithmVector>('wine-capi-enumalgs.json', (vector): Verdict => {
  expect(vector.kind).toBe('enumalgs');
  if (!PROVIDERS.has(vector.provider))
    return { outOfScope: 'rows of providers without RSA, or for Schannel' };
  const { name, algid: algId, min: minBits, default: defaultBits, max: maxBits } = vector;
  const rows = capiProviderAlgorithms(vector.provider);
  expect(rows).toContainEqual({ algId, name, minBits, defaultBits, maxBits });
  return { passed: 'rows of four providers' };
});

const PROVIDERS = new Set<string>(['base', 'enhanced', 'strong', 'aes'] satisfies CapiProvider[]);
