/** Wycheproof's AES-GCM and AES key wrap vectors through our own functions. */
import { expect, test } from 'vitest';
import { equalBytes } from '../../../lib/bytes/octets.ts';
import { openAesGcm, sealAesGcm } from '../../../lib/keys/aes-gcm.ts';
import { unwrapAesKey, wrapAesKey } from '../../../lib/keys/aes-key-wrap.ts';
import { hex, secretHex } from '../../support/bytes.ts';
import { codeOf, secretOrCode } from '../../support/errors.ts';
import { describeShared } from '../../support/shared.ts';
import { Tally, wycheproof, type WycheproofTest } from '../../support/wycheproof.ts';

type GcmTest = WycheproofTest<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag'>;
type WrapTest = WycheproofTest<'key' | 'msg' | 'ct'>;

describeShared('Wycheproof AES', () => {
  test('aes_gcm: 96-bit nonces; others are refused', () => {
    const tally = new Tally();
    const { testGroups } = wycheproof<{ ivSize: number; tagSize: number }, GcmTest>('aes_gcm');
    for (const { ivSize, tests } of testGroups) {
      for (const vector of tests) runGcm(tally, vector, ivSize === 96);
    }
    expect(tally.counts).toEqual({ 'sealed and opened': 116, refused: 81, 'nonce refused': 119 });
    expect(new Set(testGroups.map(({ tagSize }) => tagSize))).toEqual(new Set([128]));
  });

  test('aes_wrap: key-encryption keys of 128, 192 and 256 bits', () => {
    const tally = new Tally();
    for (const { tests } of wycheproof<object, WrapTest>('aes_wrap').testGroups) {
      for (const vector of tests) runWrap(tally, vector);
    }
    expect(tally.counts).toEqual({ 'wrapped and unwrapped': 36, refused: 126, 'too short': 3 });
  });
});

function runGcm(tally: Tally, vector: GcmTest, nonceFits: boolean): void {
  const { tcId, result } = vector;
  const fixed = { key: hex(vector.key), nonce: hex(vector.iv), aad: hex(vector.aad) };
  const [ciphertext, tag] = [hex(vector.ct), hex(vector.tag)];
  const opened = secretOrCode(() => openAesGcm({ ...fixed, ciphertext, tag }));
  const seal = () => sealAesGcm({ ...fixed, plaintext: hex(vector.msg) });
  if (!nonceFits) {
    const right = opened === 'KEY_UNWRAP_FAILED' && codeOf(seal) === 'PARAMETER_INVALID';
    tally.right('nonce refused', right, tcId);
  } else if (result === 'invalid') {
    tally.right('refused', opened === 'KEY_UNWRAP_FAILED', tcId);
  } else {
    const sealed = seal();
    const same = equalBytes(sealed.ciphertext, ciphertext) && equalBytes(sealed.tag, tag);
    tally.right('sealed and opened', same && opened === vector.msg, tcId);
  }
}

function runWrap(tally: Tally, { tcId, key, msg, ct, result }: WrapTest): void {
  const kek = hex(key);
  const unwrapped = secretOrCode(() => unwrapAesKey(kek, hex(ct)));
  const wrap = () => wrapAesKey(kek, secretHex(msg));
  const refused = unwrapped === 'KEY_UNWRAP_FAILED';
  // RFC 3394 has at least two blocks of 8 bytes; one is "acceptable" to Wycheproof, not to us.
  if (result === 'acceptable')
    tally.right('too short', refused && codeOf(wrap) === 'PARAMETER_INVALID', tcId);
  else if (result === 'invalid') tally.right('refused', refused, tcId);
  else tally.right('wrapped and unwrapped', unwrapped === msg && equalBytes(wrap(), hex(ct)), tcId);
}
