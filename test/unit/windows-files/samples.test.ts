/** Files that Windows wrote: all are read, and written back byte for byte. */
import { expect, test } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { hex } from '../../support/bytes.ts';
import {
  decodeCapiContainerFile,
  encodeCapiContainerFile,
} from '../../../lib/windows-files/capi-container-file.ts';
import {
  decodeCapiRsaPrivateKey,
  decodeCapiRsaPublicKey,
  encodeCapiRsaPrivateKey,
  encodeCapiRsaPublicKey,
} from '../../../lib/windows-files/capi-key.ts';
import {
  decodeCngContainerFile,
  encodeCngContainerFile,
} from '../../../lib/windows-files/cng-container-file.ts';
import { decodeCredHist, encodeCredHist } from '../../../lib/windows-files/cred-hist.ts';
import {
  decodeDomainBackupKey,
  encodeDomainBackupKey,
} from '../../../lib/windows-files/domain-backup-key.ts';
import { decodeDpapiBlob, encodeDpapiBlob } from '../../../lib/windows-files/dpapi-blob.ts';
import {
  decodeMasterKeyFile,
  encodeMasterKeyFile,
} from '../../../lib/windows-files/master-key-file.ts';
import {
  decodeRoamedCngKey,
  encodeRoamedCngKey,
} from '../../../lib/windows-files/roamed-cng-key.ts';
import {
  decodeAccessCheck,
  encodeAccessCheck,
} from '../../../lib/windows-files/wrapped-master-key.ts';

interface Vector extends Record<string, unknown> {
  readonly kind: string;
  readonly name: string;
}

describeShared('files of Windows', () => {
  test('are written back as they were read', () => {
    const again = [
      ...each('masterkey_file', (bytes) => encodeMasterKeyFile(decodeMasterKeyFile(bytes))),
      ...each('blob', (bytes) => encodeDpapiBlob(decodeDpapiBlob(bytes))),
      ...each('capi_key_file', (bytes) => encodeCapiContainerFile(decodeCapiContainerFile(bytes))),
      ...each('private_plaintext', (bytes) =>
        encodeCapiRsaPrivateKey(decodeCapiRsaPrivateKey(bytes)),
      ),
      ...each('backup_key_secret', (bytes) => encodeDomainBackupKey(decodeDomainBackupKey(bytes))),
      ...each('access_check_plain', (bytes) => encodeAccessCheck(decodeAccessCheck(bytes, 2))),
    ];
    expect(again).toHaveLength(5 + 6 + 1 + 1 + 1 + 1);
    expect(again.filter(({ same }) => !same)).toEqual([]);
    const [credHist] = vectors().filter(({ kind }) => kind === 'credhist');
    const bytes = hex(String(credHist!['file']));
    expect(toHex(encodeCredHist(decodeCredHist(bytes)))).toBe(toHex(bytes));
  });

  test('a CryptoAPI container tells its name and its public key', () => {
    const { name, exchange, signature } = decodeCapiContainerFile(
      structural('ParseCAPIPrivateKey'),
    );
    expect([name, signature]).toEqual(['472576b9-14d6-44c3-bfaf-bccd074d4695', undefined]);
    const key = decodeCapiRsaPublicKey(exchange!.publicKey);
    expect([key.modulusBits, key.dataLength, key.exponent]).toEqual([2048, 255, 65537]);
    expect(toHex(encodeCapiRsaPublicKey(key))).toBe(toHex(exchange!.publicKey));
    expect(decodeDpapiBlob(exchange!.privateKey).description).toBe('CryptoAPI Private Key');
    expect(decodeDpapiBlob(exchange!.exportFlag).description).toBe('Export Flag');
  });

  test('a roamed CNG key holds the file of the key and that of its master key', () => {
    const bytes = structural('ParseCNGPrivateKey');
    const roamed = decodeRoamedCngKey(bytes);
    expect(toHex(encodeRoamedCngKey(roamed))).toBe(toHex(bytes));
    expect(toHex(roamed.keyFile)).toBe(toHex(structural('CNG key file slice')));
    expect(decodeMasterKeyFile(roamed.masterKeyFile).guid).toBe(roamed.masterKeyGuid);
    const file = decodeCngContainerFile(roamed.keyFile);
    expect(toHex(encodeCngContainerFile(file))).toBe(toHex(roamed.keyFile));
    expect([file.name, file.type, file.parts]).toEqual([roamed.name, 1, 3]);
    expect(file.publicProperties.map(({ name, type }) => [name, type])).toEqual([
      ['Modified', 0],
      ['', 0x0a],
    ]);
    expect(decodeDpapiBlob(file.privateKey).masterKeyGuid).toBe(roamed.masterKeyGuid);
    expect(decodeDpapiBlob(file.privateProperties).description).toBe('Private Key Properties');
  });

  test('a symmetric backup key of a domain has 256 bytes', () => {
    const bytes = structural('BCKUPKEY secret v1');
    const key = decodeDomainBackupKey(bytes);
    expect([key.version, key.version === 1 && key.key.length]).toEqual([1, 256]);
    expect(toHex(encodeDomainBackupKey(key))).toBe(toHex(bytes));
    expect(JSON.stringify(key)).toBe('{"version":1,"key":"[secret]"}');
  });

  test('the sample of a roamed certificate is no file of this room, and none of the vectors is left out', () => {
    const counts: Record<string, number> = {};
    for (const { kind } of vectors()) counts[kind] = (counts[kind] ?? 0) + 1;
    // Of the structural ones four are read above; the fifth is a serialized certificate.
    expect(counts).toEqual({
      masterkey: 3,
      blob: 6,
      credhist: 1,
      domain_backup: 1,
      structural: 5,
      capi_key_file_chain: 1,
    });
  });
});

function each(field: string, again: (bytes: Uint8Array) => Uint8Array) {
  return vectors()
    .filter((vector) => typeof vector[field] === 'string')
    .map((vector) => {
      const bytes = hex(String(vector[field]));
      return { name: vector.name, field, same: toHex(again(bytes)) === toHex(bytes) };
    });
}

function structural(name: string): Uint8Array {
  const found = vectors().find((vector) => vector.name.includes(name))!;
  return hex(String(found['file'] ?? found['secret']));
}

function vectors(): Vector[] {
  return (sharedJson('vectors/dpapi.json') as { vectors: Vector[] }).vectors;
}
