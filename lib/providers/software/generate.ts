/** Making key pairs with OpenSSL. */
import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { curveOf, type KeyAlgorithm } from '../../keys/key-algorithms.ts';

export async function generatePrivateKey(
  algorithm: KeyAlgorithm,
  rsaLength: number,
): Promise<KeyObject> {
  const generate = promisify(generateKeyPair);
  const namedCurve = curveOf(algorithm);
  const pair =
    namedCurve === undefined
      ? await generate('rsa', { modulusLength: rsaLength, publicExponent: 65537 })
      : await generate('ec', { namedCurve });
  return pair.privateKey;
}
