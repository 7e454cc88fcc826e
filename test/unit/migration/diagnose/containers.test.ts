/** Pains of containers and DPAPI: who may open them, whose they are, and what they lie under. */
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeUtf8, plainBytes } from '../../../../lib/bytes/octets.ts';
import { decodeKeyPair } from '../../../../lib/key-pairs/decode.ts';
import { encodeKeyPair } from '../../../../lib/key-pairs/encode.ts';
import { diagnoseWith, findingOf, idsOf, oldKey } from '../../../support/diagnosing.ts';
import { canLoseRights, withoutRoot } from '../../../support/permissions.ts';
import { temporaryFolder, type TemporaryFolder } from '../../../support/temporary-folder.ts';
import {
  capiContainerFile,
  makeWindowsProfile,
  rsaSlot,
  sealDpapiBlob,
} from '../../../support/windows-profile.ts';

const SID = 'S-1-5-21-1004336348-1177238915-682003330-1001';
const PASSWORD = 'long ago';
const KEY_STATE =
  'System.Security.Cryptography.CryptographicException: Key not valid for use in specified state.';
const ours = oldKey();

let temporary: TemporaryFolder;
let folder: string;
beforeEach(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
});
afterEach(() => temporary.remove());

function profile(options: Partial<Parameters<typeof makeWindowsProfile>[1]> = {}) {
  const capi = [{ name: 'Archive', exchange: ours.privateKey }];
  return makeWindowsProfile(folder, { sid: SID, password: PASSWORD, capi, ...options });
}

describe('pain 16: "Key not valid for use in specified state" is said of', () => {
  test('a key that is not exportable', async () => {
    await profile({ capi: [{ name: 'Locked', exchange: ours.privateKey, exportable: false }] });
    const input = { symptom: KEY_STATE };
    const diagnosis = await diagnoseWith(input, { folders: [folder], passwords: [PASSWORD] });
    expect(diagnosis.outcome).toBe('nothing-to-open');
    expect(diagnosis.findings[0]).toMatchObject({
      id: 'NOT_EXPORTABLE',
      certainty: 'certain',
      cause: expect.stringContaining('"Locked"'),
      hint: expect.stringContaining('keycask migrate'),
    });
  });

  test('a signature key that should decrypt', async () => {
    const { blob } = oldKey(1024, 0x2400);
    const diagnosis = await diagnoseWith({ bytes: blob, symptom: KEY_STATE });
    expect(findingOf(diagnosis, 'KEY_IS_FOR_SIGNATURES')).toMatchObject({
      certainty: 'certain',
      cause: expect.stringContaining('CALG_RSA_SIGN'),
      hint: expect.stringContaining('00 A4 00 00'),
    });
    const exchange = await diagnoseWith({ bytes: ours.blob, symptom: KEY_STATE });
    expect(idsOf(exchange)).not.toContain('KEY_IS_FOR_SIGNATURES');
  });

  test('a plaintext that is too long', async () => {
    const data = new Uint8Array(200);
    const diagnosis = await diagnoseWith({ bytes: ours.blob, symptom: KEY_STATE }, { data });
    expect(findingOf(diagnosis, 'PLAINTEXT_TOO_LONG')?.cause).toContain(
      'RSA with 1024 bits encrypts at most 117 bytes at once with PKCS#1 v1.5, and the data has 200',
    );
  });

  test('DPAPI data of another user or machine', async () => {
    const guid = randomUUID();
    const masterKey = plainBytes(randomBytes(64));
    const bytes = sealDpapiBlob(encodeUtf8('connection string'), { guid, masterKey });
    const diagnosis = await diagnoseWith({ bytes, symptom: '-2146893813' });
    expect(diagnosis.outcome).toBe('closed');
    expect(findingOf(diagnosis, 'DPAPI_OF_ANOTHER')?.cause).toContain(guid);
  });

  test('and alone it has four causes', async () => {
    const diagnosis = await diagnoseWith({ symptom: '0x8009000B' });
    expect(diagnosis.findings).toMatchObject([{ id: 'BAD_KEY_STATE', certainty: 'possible' }]);
  });
});

describe('pain 17: it does not exist, and cannot be made since it exists', () => {
  const symptom = 'Keyset does not exist ... Object already exists.';

  test('the container is named, with owner, mode and who asks', async () => {
    const { containers } = await profile();
    const diagnosis = await diagnoseWith({ symptom }, { folders: [folder] });
    const finding = findingOf(diagnosis, 'CONTAINER_REFUSED');
    expect(finding?.cause).toContain('"Archive"');
    expect(finding?.cause).toContain(containers[0]);
    expect(finding?.cause).toMatch(/mode 0\d{3}, owner \d+/u);
    expect(finding?.hint).toContain('icacls');
  });

  test.runIf(canLoseRights)('a file that may not be read is named, and who may not', async () => {
    const { containers } = await profile();
    await chmod(folder, 0o755);
    await chmod(containers[0]!, 0o000);
    const diagnosis = await withoutRoot(() => diagnoseWith({ symptom }, { folders: [folder] }));
    expect(findingOf(diagnosis, 'FILE_UNREADABLE')).toMatchObject({
      certainty: 'certain',
      cause: expect.stringContaining(containers[0]!),
    });
  });

  test('without folders it says where to look', async () => {
    const diagnosis = await diagnoseWith({ symptom });
    expect(findingOf(diagnosis, 'CONTAINER_EXISTS')?.hint).toContain('--containers');
  });
});

describe('pain 18: user or machine, and services', () => {
  const symptom = 'CryptographicException: Keyset does not exist (0x80090016)';

  test('a container of the machine', async () => {
    const guid = randomUUID();
    const seal = { guid, masterKey: plainBytes(randomBytes(64)) };
    const file = capiContainerFile('Iis', { exchange: rsaSlot(ours.privateKey, seal) });
    const at = path.join(folder, 'Crypto', 'RSA', 'MachineKeys');
    await mkdir(at, { recursive: true });
    await writeFile(path.join(at, '0'.repeat(32) + '_4f8e7ec6'), file);
    const diagnosis = await diagnoseWith({ symptom }, { folders: [folder] });
    expect(findingOf(diagnosis, 'CONTAINER_OF_THE_MACHINE')).toMatchObject({
      cause: expect.stringContaining('CRYPT_MACHINE_KEYSET'),
      hint: expect.stringContaining('UseMachineKeyStore'),
    });
  });

  test('a container of one user', async () => {
    await profile();
    const diagnosis = await diagnoseWith({ symptom }, { folders: [folder] });
    expect(findingOf(diagnosis, 'CONTAINER_OF_ANOTHER_USER')).toMatchObject({
      cause: expect.stringContaining(SID),
      hint: expect.stringContaining('NULL'),
    });
  });

  test('a service without its profile', async () => {
    const diagnosis = await diagnoseWith({ symptom });
    expect(findingOf(diagnosis, 'PROFILE_NOT_LOADED')?.hint).toContain('Load User Profile');
  });
});

describe('pain 19: the DPAPI master key is lost', () => {
  test('it is not among the files: its GUID and whose it is are named', async () => {
    const { containers, guid } = await profile();
    await rm(path.join(folder, 'AppData/Roaming/Microsoft/Protect'), { recursive: true });
    const bytes = await readFile(containers[0]!);
    const input = { bytes: new Uint8Array(bytes), path: containers[0]! };
    const diagnosis = await diagnoseWith(input, { folders: [folder], passwords: [PASSWORD] });
    expect(diagnosis.outcome).toBe('closed');
    expect(findingOf(diagnosis, 'MASTER_KEY_MISSING')).toMatchObject({
      certainty: 'certain',
      cause: expect.stringContaining(`${guid} of ${SID}`),
      hint: expect.stringContaining('domain'),
    });
  });

  test('the password was reset: what is there opens with the former one', async () => {
    const { containers, guid } = await profile();
    const bytes = await readFile(containers[0]!);
    const input = { bytes: new Uint8Array(bytes), path: containers[0]! };
    const diagnosis = await diagnoseWith(input, { folders: [folder], passwords: ['new'] });
    expect(findingOf(diagnosis, 'MASTER_KEY_CLOSED')).toMatchObject({
      cause: expect.stringContaining(`${guid} of ${SID}`),
      hint: expect.stringContaining('before it was reset'),
    });
    expect(findingOf(diagnosis, 'MASTER_KEY_CLOSED')?.cause).toContain('CREDHIST is there');
    const opened = await diagnoseWith(input, { folders: [folder], passwords: ['new', PASSWORD] });
    expect(opened).toMatchObject({ outcome: 'opened', opened: { by: `master key ${guid}` } });
  });

  test('a blob with an entropy of its own is told from a lost master key', async () => {
    const { guid, masterKey } = await profile();
    const bytes = sealDpapiBlob(encodeUtf8('x'), { guid, masterKey, entropy: Uint8Array.of(1) });
    const diagnosis = await diagnoseWith({ bytes }, { folders: [folder], passwords: [PASSWORD] });
    expect(idsOf(diagnosis)).toEqual(['SEAL_OF_ANOTHER_KIND']);
  });

  test('USMT brought a container that CNG does not see', async () => {
    const diagnosis = await diagnoseWith({ symptom: 'NTE_BAD_KEYSET after USMT' });
    expect(findingOf(diagnosis, 'USMT_CONTAINER')?.cause).toContain('CNG does not look');
  });
});

describe('pain 20: CryptoAPI against CNG', () => {
  test.each([
    ['Invalid provider type specified.', 'KEY_IS_OF_CNG', 'NCryptOpenKey'],
    ['NTE_BAD_PROV_TYPE', 'KEY_IS_OF_CNG', 'NCryptOpenKey'],
    ['Invalid algorithm specified.', 'PROVIDER_WITHOUT_ALGORITHM', 'PROV_RSA_AES (24)'],
    ['0x80090029', 'OPERATION_NOT_SUPPORTED', 'Export Policy'],
  ])('%s', async (symptom, id, hint) => {
    const diagnosis = await diagnoseWith({ symptom });
    expect(findingOf(diagnosis, id)?.hint).toContain(hint);
  });

  test('an export policy without plaintext', async () => {
    const { pair } = decodeKeyPair(ours.blob);
    const parts = {
      name: 'Vault',
      type: 1,
      publicBlob: encodeKeyPair(pair, 'RSAPUBLICBLOB'),
      privateBlob: encodeKeyPair(pair, 'RSAPRIVATEBLOB'),
      exportPolicy: 1,
    };
    await profile({ capi: [], cng: [parts] });
    const diagnosis = await diagnoseWith(
      { symptom: 'The requested operation is not supported.' },
      { folders: [folder], passwords: [PASSWORD] },
    );
    expect(diagnosis.findings[0]).toMatchObject({
      id: 'PLAINTEXT_EXPORT_REFUSED',
      certainty: 'certain',
      cause: expect.stringContaining('Vault'),
      hint: expect.stringContaining('NCRYPTBUFFER_PKCS_SECRET'),
    });
  });

  test('a blob of CryptoAPI for BCryptImportKeyPair', async () => {
    const bytes = encodeKeyPair(decodeKeyPair(ours.blob).pair, 'PUBLICKEYBLOB');
    const diagnosis = await diagnoseWith({ bytes, symptom: 'status 0xC00000BB' });
    expect(findingOf(diagnosis, 'BLOB_FOR_THE_OTHER_API')?.hint).toContain('RSAPUBLICBLOB');
  });
});

test('a message that nobody knows has no cause', async () => {
  const diagnosis = await diagnoseWith({ symptom: 'The printer is on fire.' });
  expect(diagnosis).toMatchObject({ format: 'none', outcome: 'nothing-to-open', findings: [] });
});
