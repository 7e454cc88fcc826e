import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readCertificate, toPem } from '../../../lib/cli/certificate-file.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { testIdentity } from '../../support/signing-identity.ts';

it('reads PEM and DER, the first of several, and no endless file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keycask-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [first, second] = [await testIdentity(), await testIdentity()];
  const path = join(folder, 'certificate');
  for (const content of [
    first.certificate,
    toPem(first.certificate),
    toPem(first.certificate) + toPem(second.certificate),
  ]) {
    await writeFile(path, content);
    expect(await readCertificate(path)).toEqual(first.certificate);
  }
  await writeFile(path, new Uint8Array((1 << 20) + 1));
  expect(await codeOfAsync(readCertificate(path))).toBe('BLOB_TOO_LARGE');
  expect(await codeOfAsync(readCertificate('/dev/zero'))).toBe('BLOB_TOO_LARGE');
  expect(await codeOfAsync(readCertificate(join(folder, 'absent')))).toBe('FILE_NOT_FOUND');
});
