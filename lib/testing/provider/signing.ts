/** Cases: NCryptSignHash, but only of keycask's own messages. */
import assert from 'node:assert/strict';
import type { PersistedKey } from '../../contracts/provider.ts';
import { ToBeSigned } from '../../contracts/to-be-signed.ts';
import type { KeyAlgorithm, SignatureScheme } from '../../keys/key-algorithms.ts';
import { verifySignature } from '../../keys/signature.ts';
import { algorithm, fails, type Need, type ProviderCase } from './provider-case.ts';
import { message } from './test-messages.ts';

const SCHEMES: readonly (readonly [KeyAlgorithm, readonly SignatureScheme[]])[] = [
  ['RSA', ['rsa-pkcs1-sha256', 'rsa-pss-sha256']],
  ['ECDSA_P256', ['ecdsa-sha256']],
  ['ECDSA_P384', ['ecdsa-sha384']],
];
const ALL_SCHEMES = SCHEMES.flatMap(([, schemes]) => schemes);

export const SIGNING: readonly ProviderCase[] = [
  ...SCHEMES.flatMap(([name, schemes]) =>
    schemes.map((scheme): ProviderCase => ({
      title: `signs with ${scheme} by ${name}`,
      needs: [algorithm(name), signs(scheme)],
      async body(test) {
        await signsWith(await test.key(name, 'AT_SIGNATURE'), scheme);
      },
    })),
  ),
  ...SCHEMES.map(([name, schemes]): ProviderCase => ({
    title: `signs with no scheme of another algorithm by ${name}`,
    needs: [algorithm(name)],
    async body(test) {
      const key = await test.key(name, 'AT_SIGNATURE');
      for (const scheme of ALL_SCHEMES)
        if (!schemes.includes(scheme)) await fails('PARAMETER_INVALID', key.sign(message(scheme)));
        else if (!test.capabilities.signs.includes(scheme))
          await fails('ALGORITHM_UNSUPPORTED', key.sign(message(scheme)));
    },
  })),
  {
    title: 'signs with a CryptoAPI exchange key, as the documentation says',
    needs: [algorithm('RSA')],
    async body(test) {
      await signsWith(await test.key('RSA', 'AT_KEYEXCHANGE'), 'rsa-pkcs1-sha256');
    },
  },
  {
    title: 'signs many messages at once',
    async body(test) {
      const key = await test.signatureKey();
      const [scheme] = schemesOf(key.algorithm);
      await Promise.all(Array.from({ length: 20 }, () => signsWith(key, scheme!)));
    },
  },
  {
    title: 'signs a message of 64 KiB, and refuses a longer one',
    async body(test) {
      const key = await test.signatureKey();
      const [scheme] = schemesOf(key.algorithm);
      const longest = ToBeSigned.certificate(scheme!, new Uint8Array(64 << 10));
      const signature = await key.sign(longest);
      assert.ok(verifySignature(key.publicKey, scheme!, longest.bytes, signature));
      const tooLong = ToBeSigned.certificate(scheme!, new Uint8Array((64 << 10) + 1));
      await fails('PARAMETER_INVALID', key.sign(tooLong));
    },
  },
  {
    title: 'refuses to sign arbitrary bytes, and an object that looks like a message',
    async body(test) {
      const key = await test.signatureKey();
      const [scheme] = schemesOf(key.algorithm);
      const { kind, bytes } = message(scheme!);
      const forged = Object.assign(Object.create(ToBeSigned.prototype) as object, {
        kind,
        scheme,
        bytes,
      });
      for (const wrong of [bytes, { kind, scheme, bytes }, forged, undefined, null])
        await fails('PARAMETER_INVALID', key.sign(wrong as never));
    },
  },
  {
    title: 'refuses to sign with a key whose usage forbids it (NTE_BAD_KEY_STATE)',
    async body(test) {
      const { algorithms } = test.capabilities;
      const scheme = schemesOf(test.signingAlgorithm())[0]!;
      if (algorithms.includes('ECDH_P256'))
        await fails(
          'EXPORT_FORBIDDEN',
          (await test.key('ECDH_P256', 'AT_KEYEXCHANGE')).sign(message(scheme)),
        );
      if (!algorithms.includes('RSA')) return;
      const properties = { keyUsage: ['decrypt'] as const };
      const key = await test.key('RSA', 'AT_KEYEXCHANGE', { properties });
      await fails('EXPORT_FORBIDDEN', key.sign(message('rsa-pkcs1-sha256')));
    },
  },
];

function signs(scheme: SignatureScheme): Need {
  return { label: scheme, isMet: (capabilities) => capabilities.signs.includes(scheme) };
}

function schemesOf(name: KeyAlgorithm): readonly SignatureScheme[] {
  return SCHEMES.find(([known]) => known === name)?.[1] ?? [];
}

async function signsWith(key: PersistedKey, scheme: SignatureScheme): Promise<void> {
  const toBeSigned = message(scheme);
  const signature = await key.sign(toBeSigned);
  assert.ok(verifySignature(key.publicKey, scheme, toBeSigned.bytes, signature));
  assert.ok(!verifySignature(key.publicKey, scheme, message(scheme).bytes, signature));
}
