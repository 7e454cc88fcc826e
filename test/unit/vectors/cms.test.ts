/** CMS of other programs: keycask/records has one form of its own and refuses all else; keycask/migration tells what they are. */
import { expect } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import { checkKeyPair, decodeKeyPair, encodeKeyPair } from '../../../lib/key-pairs/index.ts';
import { inspect } from '../../../lib/migration/index.ts';
import { decodeKeyRecord } from '../../../lib/records/index.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf } from '../../support/errors.ts';

interface Vector {
  readonly cms?: string;
  readonly cert?: string;
  readonly wrapped?: string;
}
interface File {
  readonly keys: Readonly<Record<string, string>>;
  readonly vectors: readonly Vector[];
}

describeSharedVectors<Vector | string, File>(
  'cms.json',
  (vector): Verdict => {
    if (typeof vector === 'string') return judgeKey(vector);
    if (vector.cms !== undefined) return judgeCms(hex(vector.cms));
    if (vector.cert !== undefined) {
      expect(inspect(hex(vector.cert)).format).toBe('certificate');
      return { outOfScope: 'certificate, recognised' };
    }
    expect(vector.wrapped).toMatch(/^[0-9a-f]+$/u);
    return {
      outOfScope: 'keys wrapped under a password (RFC 3211), which CryptoAPI does not have',
    };
  },
  ({ vectors, keys }) => [...vectors, ...Object.values(keys)],
);

function judgeCms(cms: Uint8Array): Verdict {
  // Its records have one canonical shape: SignedData of a kind that only keycask writes.
  expect(codeOf(() => decodeKeyRecord(cms))).toMatch(/^(RECORD|BLOB)_/u);
  expect(inspect(cms).format).toBe('cms');
  return { outOfScope: 'messages of other programs: recognised by inspect, refused as records' };
}

function judgeKey(pem: string): Verdict {
  const { format } = inspect(new TextEncoder().encode(pem));
  expect(format).toBe('pem');
  if (!pem.includes('PRIVATE KEY')) return { outOfScope: 'certificate, recognised' };
  const code = codeOf(() => decodeKeyPair(new TextEncoder().encode(pem)));
  if (code === 'BLOB_ALGORITHM_UNSUPPORTED')
    return { outOfScope: 'private key of Ed25519, which no format of Windows has' };
  const { pair } = decodeKeyPair(new TextEncoder().encode(pem));
  expect(checkKeyPair(pair)).toEqual([]);
  const der = encodeKeyPair(pair, 'PKCS8');
  expect(toHex(encodeKeyPair(decodeKeyPair(der).pair, 'PKCS8'))).toBe(toHex(der));
  return { passed: 'private keys of PKCS #8, read and written back' };
}
