/** SecretBytes: filled in place, wiped at the end, of no use after it. */
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { countingRandom } from '../../support/bytes.ts';
import { codeOf } from '../../support/errors.ts';

test('its bytes have a buffer of their own, outside of the heap that moves', () => {
  const secret = SecretBytes.copy(Uint8Array.of(1, 2, 3));
  expect(secret.bytes.buffer.byteLength).toBe(3);
  expect(secret.bytes.byteOffset).toBe(0);
});

test('disposing of it wipes the bytes, and every use after that fails', () => {
  const secret = SecretBytes.random(32, countingRandom(1));
  const { bytes } = secret;
  expect([secret.length, secret.disposed, bytes[31]]).toEqual([32, false, 32]);
  secret.dispose();
  secret.dispose();
  expect(bytes.every((byte) => byte === 0)).toBe(true);
  expect(secret.disposed).toBe(true);
  for (const use of [() => secret.bytes, () => secret.length]) {
    expect(codeOf(use)).toBe('HANDLE_INVALID');
  }
});

test('using wipes it at the end of the block', () => {
  let bytes = new Uint8Array();
  {
    using secret = SecretBytes.random(16);
    bytes = secret.bytes as Uint8Array<ArrayBuffer>;
    expect(bytes.some((byte) => byte !== 0)).toBe(true);
  }
  expect(bytes.every((byte) => byte === 0)).toBe(true);
});

test('take wipes the source, copy leaves it', () => {
  const source = Uint8Array.of(1, 2, 3);
  expect([...SecretBytes.copy(source).bytes]).toEqual([1, 2, 3]);
  expect([...source]).toEqual([1, 2, 3]);
  expect([...SecretBytes.take(source).bytes]).toEqual([1, 2, 3]);
  expect([...source]).toEqual([0, 0, 0]);
});

test('it does not print, and does not become JSON', () => {
  const secret = SecretBytes.copy(Uint8Array.of(222, 173));
  for (const shown of [String(secret), inspect({ secret }), JSON.stringify({ secret })]) {
    expect(shown).toContain('[SecretBytes]');
    expect(shown).not.toContain('222');
  }
});
