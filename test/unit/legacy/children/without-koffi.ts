/** Tries each hash and cipher of CryptoAPI, and prints what it made or the code that it failed with. */
import { ALG_ID } from '../../../../lib/blobs/alg-id.ts';
import { toHex } from '../../../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../../../lib/errors.ts';
import { importCapiKey } from '../../../../lib/legacy/capi-key.ts';
import { capiDecrypt, type CapiMode } from '../../../../lib/legacy/cipher.ts';
import { capiHash } from '../../../../lib/legacy/hash.ts';

const told: Record<string, unknown> = {};

async function tell(name: string, make: () => Promise<Uint8Array>): Promise<void> {
  try {
    told[name] = toHex(await make());
  } catch (error) {
    told[name] = KeyStoreError.is(error) ? error.toJSON() : String(error);
  }
}

for (const name of ['CALG_MD2', 'CALG_MD4', 'CALG_MD5', 'CALG_SHA_512'] as const)
  await tell(name, () => capiHash(ALG_ID[name], Uint8Array.of(1)));

const KEY_LENGTHS = {
  CALG_RC2: 16,
  CALG_RC4: 16,
  CALG_DES: 8,
  CALG_3DES_112: 16,
  CALG_3DES: 24,
  CALG_AES_256: 32,
} as const;
for (const [name, length] of Object.entries(KEY_LENGTHS))
  for (const mode of ['cbc', 'ecb', 'cfb'] satisfies CapiMode[])
    await tell(`${name} ${mode}`, async () => {
      const bytes = Uint8Array.from({ length }, (_, i) => i);
      using key = importCapiKey(ALG_ID[name as keyof typeof KEY_LENGTHS], bytes);
      const ciphertext = Uint8Array.from({ length: 48 }, (_, i) => 7 * i);
      return await capiDecrypt(key, ciphertext, { mode, padding: 'none' });
    });

console.log(JSON.stringify(told));
