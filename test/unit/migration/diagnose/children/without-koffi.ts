/** Diagnoses data of RC4 and of AES, and prints what opened and what was found. */
import { ALG_ID } from '../../../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../../../lib/blobs/plaintext-key-blob.ts';
import { fromHex } from '../../../../../lib/bytes/octets.ts';
import { diagnose } from '../../../../../lib/migration/diagnose.ts';

/** The key 00 01 ... 0f, and "The quick brown fox jumps over" under it, as CryptEncrypt makes it. */
const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);
const DATA = process.argv.slice(2).map((hex) => fromHex(hex)!);

const told: unknown[] = [];
for (const [index, algId] of [ALG_ID.CALG_RC4, ALG_ID.CALG_AES_128].entries()) {
  const bytes = encodePlaintextKeyBlob({ algId, key: KEY });
  const data = DATA[index]!;
  const sample = { head: data, tail: data, size: data.length };
  const { outcome, opened, findings } = await diagnose({ bytes }, { data: sample });
  told.push({ outcome, cipher: opened?.cipher, ids: findings.map(({ id }) => id) });
}
console.log(JSON.stringify(told));
