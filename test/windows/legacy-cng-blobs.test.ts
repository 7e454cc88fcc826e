/** Key blobs that bcrypt.dll makes during this run, against lib/blobs. */
import { expect, test } from 'vitest';
import { decodeCngBlob, encodeCngBlob } from '../../lib/blobs/cng-blob.ts';
import { toHex } from '../../lib/bytes/octets.ts';
import { isWine } from '../support/capi-calls.ts';
import { openDll, PARAMETER, toHandle, type Handle } from '../../native-bindings/windows-dll.ts';

const bcrypt = await openDll('bcrypt.dll');
const { BYTES, DWORD, HANDLE, INOUT_DWORD, OUT_HANDLE, WIDE_STRING } = PARAMETER;
const OpenProvider = bcrypt.ntStatus('BCryptOpenAlgorithmProvider', [
  OUT_HANDLE,
  WIDE_STRING,
  WIDE_STRING,
  DWORD,
]);
const Generate = bcrypt.ntStatus('BCryptGenerateKeyPair', [HANDLE, OUT_HANDLE, DWORD, DWORD]);
const Finalize = bcrypt.ntStatus('BCryptFinalizeKeyPair', [HANDLE, DWORD]);
const Export = bcrypt.ntStatus('BCryptExportKey', [
  HANDLE,
  HANDLE,
  WIDE_STRING,
  BYTES,
  DWORD,
  INOUT_DWORD,
  DWORD,
]);
const Import = bcrypt.ntStatus('BCryptImportKeyPair', [
  HANDLE,
  HANDLE,
  WIDE_STRING,
  OUT_HANDLE,
  BYTES,
  DWORD,
  DWORD,
]);
const DestroyKey = bcrypt.ntStatus('BCryptDestroyKey', [HANDLE]);

const RSA = ['RSAPUBLICBLOB', 'RSAPRIVATEBLOB', 'RSAFULLPRIVATEBLOB'];
const ECC = ['ECCPUBLICBLOB', 'ECCPRIVATEBLOB'];
const KINDS = [
  { algorithm: 'RSA', bits: 512, blobs: RSA },
  { algorithm: 'RSA', bits: 1024, blobs: RSA },
  { algorithm: 'RSA', bits: 2048, blobs: RSA },
  { algorithm: 'RSA', bits: 4096, blobs: RSA },
  { algorithm: 'ECDSA_P256', bits: 256, blobs: ECC },
  { algorithm: 'ECDH_P256', bits: 256, blobs: ECC },
  { algorithm: 'ECDH_P384', bits: 384, blobs: ECC },
  { algorithm: 'ECDSA_P384', bits: 384, blobs: ECC },
];

function exported(key: Handle, kind: string): Uint8Array {
  const length: [number] = [0];
  Export(key, 0n, kind, null, 0, length, 0);
  const blob = new Uint8Array(length[0]);
  Export(key, 0n, kind, blob, blob.length, length, 0);
  return blob.slice(0, length[0]);
}

test.each(KINDS)(
  'blobs of $algorithm with $bits bits are read, written as they were, and taken back',
  ({ algorithm, bits, blobs }) => {
    const [provider, key] = [[0n], [0n]];
    OpenProvider(provider, algorithm, null, 0);
    Generate(provider[0], key, bits, 0);
    Finalize(key[0], 0);
    for (const kind of blobs) {
      const blob = exported(toHandle(key[0]), kind);
      using decoded = decodeCngBlob(blob);
      const again = encodeCngBlob(decoded);
      expect(toHex(again), kind).toBe(toHex(blob));
      // Wine 10 gives this one, and does not take it.
      if (isWine && algorithm === 'ECDSA_P384' && kind === 'ECCPRIVATEBLOB') continue;
      const imported = [0n];
      Import(provider[0], 0n, kind, imported, again, again.length, 0);
      expect(toHex(exported(toHandle(imported[0]), blobs[0]!))).toBe(
        toHex(exported(toHandle(key[0]), blobs[0]!)),
      );
      DestroyKey(imported[0]);
    }
    DestroyKey(key[0]);
  },
);
