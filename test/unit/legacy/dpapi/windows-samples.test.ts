/** What Windows made, opened with the passwords and keys that it was made with. */
import { sign, verify, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { toHex } from '../../../../lib/bytes/octets.ts';
import { importLegacyPrivateKey } from '../../../../lib/legacy/legacy-key.ts';
import {
  capiContainerFileName,
  cngContainerFileName,
  openBackupKey,
  openContainerFile,
  openCredHist,
  openDpapiBlob,
  openMasterKey,
} from '../../../../lib/legacy/index.ts';
import { hex, revealed } from '../../../support/bytes.ts';
import { codeOfAsync } from '../../../support/errors.ts';
import { describeShared, sharedJson } from '../../../support/shared.ts';
import { utf16 } from '../../../support/windows-profile.ts';

interface Vector {
  readonly kind: string;
  readonly name: string;
  readonly [field: string]: unknown;
}

describeShared('what Windows protected', () => {
  test('master key files open with a password, or with DPAPI_SYSTEM', async () => {
    const opened: Record<string, string> = {};
    for (const vector of vectors('masterkey')) {
      const file = hex(text(vector, 'masterkey_file'));
      const secret =
        vector['password'] === undefined
          ? { dpapiSystem: hex(text(vector, 'dpapi_system')) }
          : { password: utf16(text(vector, 'password')), sid: text(vector, 'sid') };
      using key = await openMasterKey(file, secret);
      expect(toHex(key.key.bytes)).toBe(vector['master_key']);
      expect(key.guid).toBe(vector['guid']);
      opened[vector.name] = key.form;
      using again = await openMasterKey(file, { preKey: hex(text(vector, 'prekey')) });
      expect([again.form, toHex(again.key.bytes)]).toEqual(['pre-key', vector['master_key']]);
    }
    expect(opened).toEqual({
      MkeyXPTest: 'sha1',
      MkeyWin7Test: 'sha1',
      'impacket system master key': 'dpapi-system-user',
    });
  });

  test('blobs open, those of Windows XP with their own form of HMAC', async () => {
    const blobs = vectors('blob');
    for (const vector of blobs) {
      const blob = hex(text(vector, 'blob'));
      const entropy = hex(text(vector, 'entropy'));
      const masterKey = hex(text(vector, 'master_key'));
      expect(revealed(await openDpapiBlob(blob, masterKey, { entropy }))).toBe(vector['plaintext']);
      const changed = Uint8Array.from(blob);
      changed[changed.length - 100]! ^= 1;
      const longer = Uint8Array.of(...entropy, 0);
      for (const wrong of [
        openDpapiBlob(changed, masterKey, { entropy }),
        openDpapiBlob(blob, masterKey, { entropy: longer }),
        openDpapiBlob(blob, new Uint8Array(64), { entropy }),
      ])
        expect(await codeOfAsync(wrong)).toBe('KEY_UNWRAP_FAILED');
    }
    expect(blobs).toHaveLength(6);
  });

  test('CREDHIST gives the hashes of four former passwords', async () => {
    const [vector] = vectors('credhist');
    const password = utf16(text(vector!, 'current_password'));
    using former = await openCredHist(hex(text(vector!, 'file')), { password });
    const hashes = former.passwords.map(({ sha1, ntHash }) => ({
      sha1: toHex(sha1.bytes),
      nt: toHex(ntHash.bytes),
    }));
    const want = vector!['entries_newest_first'] as {
      readonly sha1: string;
      readonly nt: string;
    }[];
    expect(hashes).toEqual(want.map(({ sha1, nt }) => ({ sha1, nt })));
    expect([hashes.length, former.closed]).toEqual([4, 0]);
  });

  test('a master key of a domain opens with the backup key of the domain', async () => {
    const [vector] = vectors('domain_backup');
    const file = hex(text(vector!, 'masterkey_file'));
    const domainKey = hex(text(vector!, 'backup_key_secret'));
    using key = await openMasterKey(file, { domainKey });
    expect([key.form, toHex(key.key.bytes)]).toEqual(['domain-key', vector!['master_key']]);
    const sid = text(vector!, 'sid');
    expect(revealed(await openBackupKey(file, { sid }))).toBe(vector!['backup_section_key']);
    expect(await codeOfAsync(openBackupKey(file, { sid: 'S-1-5-18' }))).toBe('KEY_UNWRAP_FAILED');
  });

  test('Windows 10: a password leads to the private key of a container, which its certificate belongs to', async () => {
    const [vector] = vectors('capi_key_file_chain');
    const file = hex(text(vector!, 'masterkey_file'));
    const secret = { password: utf16(text(vector!, 'password')), sid: text(vector!, 'sid') };
    using masterKey = await openMasterKey(file, secret);
    const asked: string[] = [];
    using container = await openContainerFile(hex(text(vector!, 'capi_key_file')), (guid) => {
      asked.push(guid);
      return masterKey.key;
    });
    expect(asked).toEqual([masterKey.guid, masterKey.guid]);
    if (container.format !== 'capi') throw new TypeError('not CryptoAPI');
    expect([container.name, container.signature]).toEqual([vector!['container'], undefined]);
    const { privateKeyBlob, exportable } = container.exchange!;
    expect([toHex(privateKeyBlob.bytes), exportable]).toEqual([vector!['privatekeyblob'], true]);
    const message = new Uint8Array(3);
    const signature = sign('sha256', message, importLegacyPrivateKey(privateKeyBlob.bytes));
    const { publicKey } = new X509Certificate(hex(text(vector!, 'certificate')));
    expect(verify('sha256', message, publicKey, signature)).toBe(true);
  });

  test('names of container files are hashes of names', () => {
    const names = sharedJson('vectors/capi-container-filenames.json') as Names;
    for (const { container, file_prefix: prefix } of names.vectors)
      expect(capiContainerFileName(container.toUpperCase())).toBe(prefix);
    for (const { container, file_prefix: prefix } of names.cng.vectors)
      expect(cngContainerFileName(container)).toBe(prefix);
    expect([names.vectors.length, names.cng.vectors.length]).toEqual([8, 2]);
    const [chain] = vectors('capi_key_file_chain');
    const [prefix, machineGuid] = text(chain!, 'file_name').split('_');
    expect(capiContainerFileName(text(chain!, 'container'), machineGuid)).toBe(
      `${prefix}_${machineGuid}`,
    );
  });
});

interface Names {
  readonly vectors: { readonly container: string; readonly file_prefix: string }[];
  readonly cng: Names;
}

function vectors(kind: string): Vector[] {
  const file = sharedJson('vectors/dpapi.json') as { readonly vectors: Vector[] };
  return file.vectors.filter((vector) => vector.kind === kind);
}

function text(vector: Vector, field: string): string {
  return String(vector[field]);
}
