/** The known answers of test/vectors once more by other people's programs: OpenSSL opens the records, Python computes commitment and bind. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toHex } from '../../lib/bytes/octets.ts';
import { readAnnotated } from '../support/annotated-der.ts';
import { describeOpenssl, openWithOpenssl } from '../support/openssl.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';
import { RSA_KEY, VECTOR_KEY, VECTOR_PASSWORD, vectorSigner } from '../vectors/known-records.ts';

const vectorPath = (name: string) => fileURLToPath(new URL(`../vectors/${name}`, import.meta.url));

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

describeOpenssl('openssl', () => {
  it.each([
    ['record-pbkdf2.txt', { password: VECTOR_PASSWORD }],
    ['record-rsa-pkcs1.txt', { key: RSA_KEY }],
  ])('opens %s to the PLAINTEXTKEYBLOB of its key', async (name, opener) => {
    const record = readAnnotated(readFileSync(vectorPath(name), 'utf8'));
    const { certificate } = await vectorSigner();
    const blob = await openWithOpenssl(folder.path, record, certificate, opener);
    expect(toHex(blob)).toBe(`080200001066000020000000${toHex(VECTOR_KEY)}`);
  });
});

const python = process.env['KEYCASK_PYTHON'] ?? 'python3';
const mayRun = process.env['KEYCASK_HAVE_PYTHON'] === '1' || process.env['CI'] === 'true';

it.runIf(mayRun)('Python makes commitment.json as it is', () => {
  const made = execFileSync(python, [vectorPath('make-commitment.py')], { encoding: 'utf8' });
  expect(JSON.parse(made)).toEqual(JSON.parse(readFileSync(vectorPath('commitment.json'), 'utf8')));
});
