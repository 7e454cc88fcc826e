/**
 * What a stranger puts in the place of what is ours: a public key beside another program's private key, which takes no PIN; another token of the
 * same label. On SoftHSM 2.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CKA, CKK, CKM, CKO } from '../../native-bindings/pkcs11-constants.ts';
import { loadPkcs11, type Attribute } from '../../native-bindings/pkcs11.ts';
import { octetString } from '../../lib/bytes/der-writer.ts';
import { encodeUtf8, plainBytes } from '../../lib/bytes/octets.ts';
import { OID } from '../../lib/cms/oids.ts';
import { openPkcs11Provider } from '../../lib/providers/pkcs11/index.ts';
import { message, recordFor } from '../../lib/testing/provider/test-messages.ts';
import { verifySignature } from '../../lib/keys/signature.ts';
import { codeOfAsync } from '../support/errors.ts';
import {
  hasSoftHsm,
  makeSoftHsm,
  pinOf,
  SOFTHSM_MODULE,
  USER_PIN,
  type SoftHsm,
} from '../support/softhsm.ts';

const LABEL = 'a token';

describe.skipIf(!hasSoftHsm)('what a stranger plants', () => {
  let softHsm: SoftHsm;
  beforeAll(async () => {
    softHsm = await makeSoftHsm(LABEL);
  });
  afterAll(() => softHsm.remove());

  /** A pair as another program makes it, and before it, without a login, what a stranger puts there. */
  async function plantBeside(name: string): Promise<Uint8Array> {
    const api = await loadPkcs11(SOFTHSM_MODULE);
    for (const slot of await api.slots()) {
      if ((await api.tokenInfo(slot)).label !== LABEL) continue;
      const session = await api.openSession(slot);
      const names: Attribute[] = [
        [CKA.TOKEN, true],
        [CKA.LABEL, encodeUtf8(name)],
        [CKA.ID, encodeUtf8(name)],
      ];
      const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
      const spki = plainBytes(stranger.export({ type: 'spki', format: 'der' }));
      await api.createObject(session, [
        ...names,
        [CKA.CLASS, CKO.PUBLIC_KEY],
        [CKA.KEY_TYPE, CKK.EC],
        [CKA.PRIVATE, false],
        [CKA.EC_PARAMS, OID.p256],
        [CKA.EC_POINT, octetString(spki.subarray(-65))],
      ]);
      if (!(await api.isLoggedIn(session))) await api.login(session, encodeUtf8(USER_PIN));
      const uses: Attribute[] = [
        [CKA.DERIVE, true],
        [CKA.SIGN, true],
      ];
      await api.generateKeyPair(
        session,
        { type: CKM.EC_KEY_PAIR_GEN },
        {
          publicKey: [...names, [CKA.PRIVATE, false], [CKA.EC_PARAMS, OID.p256]],
          privateKey: [...names, [CKA.PRIVATE, true], [CKA.SENSITIVE, true], ...uses],
        },
      );
      return spki;
    }
    throw new Error('the token is gone');
  }

  it('is no public key of a private one that proves another, whatever lies first', async () => {
    const options = { module: SOFTHSM_MODULE, token: LABEL, lockFolder: softHsm.folder };
    await using provider = await openPkcs11Provider({ ...options, pin: pinOf(USER_PIN) });
    const planted = await plantBeside('mail');
    const key = await provider.openKey('mail', 'AT_KEYEXCHANGE');
    expect(Buffer.from(key.publicKey).equals(planted)).toBe(false);
    const { record } = await recordFor(key.publicKey);
    (await key.unwrap(record, 0)).dispose();
    const signs = await provider.openKey('mail', 'AT_SIGNATURE');
    const toBeSigned = message('ecdsa-sha256');
    const signature = await signs.sign(toBeSigned);
    expect(verifySignature(signs.publicKey, 'ecdsa-sha256', toBeSigned.bytes, signature)).toBe(
      true,
    );
  });

  it('is no token that gets the PIN of the one that was there', async () => {
    let asked = 0;
    const pin = () => {
      asked++;
      return pinOf(USER_PIN)();
    };
    const options = { module: SOFTHSM_MODULE, token: LABEL, lockFolder: softHsm.folder };
    await using provider = await openPkcs11Provider({ ...options, pin });
    const pending = await provider.createPersistedKey('ECDSA_P256', 'own', 'AT_SIGNATURE');
    const key = await pending.finalize();
    expect(asked).toBe(1);
    const { tokens } = softHsm;
    await rename(tokens, `${tokens}-away`);
    await mkdir(tokens, { mode: 0o700 });
    try {
      await softHsm.addToken(LABEL);
      expect(await codeOfAsync(key.sign(message('ecdsa-sha256')))).toBe('PROVIDER_UNAVAILABLE');
      expect(asked).toBe(1);
    } finally {
      await rm(tokens, { recursive: true });
      await rename(`${tokens}-away`, tokens);
    }
    expect((await key.sign(message('ecdsa-sha256'))).length).toBeGreaterThan(60);
  });
});
