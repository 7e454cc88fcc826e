/** The dpapi protector wherever there is no DPAPI: what it reads, what it refuses, what its failures mean. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { nativeError } from '../../../native-bindings/check-win32.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import {
  protectFailure,
  unprotectFailure,
} from '../../../lib/providers/key-files/dpapi-failure.ts';
import { dpapiProtector, type Protector } from '../../../lib/providers/software/index.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';
import { forkTest, go } from '../../support/fork.ts';

/** SEQUENCE { ENUMERATED scope, OCTET STRING (16) } */
const parameters = (scope = 0, length = 16): Uint8Array =>
  Uint8Array.of(0x30, 5 + length, 0x0a, 1, scope, 0x04, length, ...new Uint8Array(length));
const sealed = (der: Uint8Array) => ({
  name: 'dpapi',
  parameters: der,
  wrappedFileKey: new Uint8Array(300),
});
const unwrap = (der: Uint8Array, protector = dpapiProtector()): Promise<string> =>
  codeOfAsync(protector.unwrap(sealed(der)));

describe.skipIf(process.platform === 'win32')('the dpapi protector without DPAPI', () => {
  it('neither seals nor opens, and says what does', async () => {
    using fileKey = SecretBytes.random(32);
    for (const scope of ['user', 'machine'] as const) {
      const protector = dpapiProtector({ scope });
      const unavailable = {
        code: 'PROTECTOR_UNAVAILABLE',
        nte: 0x80090019,
        hint: expect.stringContaining('machine-secret or passphrase') as string,
      };
      await expect(protector.wrap(fileKey)).rejects.toMatchObject(unavailable);
      const der = parameters(scope === 'user' ? 0 : 1);
      await expect(protector.unwrap(sealed(der))).rejects.toMatchObject(unavailable);
      protector.lock();
    }
  });

  it('loads nothing native, neither when keycask is imported nor when it is used', async () => {
    const child = await forkTest('unit/providers/children/dpapi-elsewhere.ts', []);
    const said = once(child, 'message');
    go(child);
    expect((await said)[0]).toEqual({
      code: 'PROTECTOR_UNAVAILABLE',
      native: [],
      // What it looks for is there once koffi was imported.
      nativeWithKoffi: [expect.stringContaining('koffi')],
    });
  });

  it('opens nothing that the other scope sealed', async () => {
    await expect(
      dpapiProtector({ scope: 'user' }).unwrap(sealed(parameters(1))),
    ).rejects.toMatchObject({
      code: 'PROTECTOR_UNAVAILABLE',
      hint: expect.stringContaining("scope: 'machine'") as string,
    });
    expect(await unwrap(parameters(0), dpapiProtector({ scope: 'machine' }))).toBe(
      'PROTECTOR_UNAVAILABLE',
    );
  });
});

describe('the parameters of a dpapi seal', () => {
  const whole = parameters();

  it('are a scope and sixteen bytes in DER, and nothing else', async () => {
    const longer = Uint8Array.of(...whole, 0);
    const inside = Uint8Array.of(0x30, whole[1]! + 2, ...whole.subarray(2), 0x05, 0);
    for (const der of [longer, inside, parameters(2), parameters(0, 15), parameters(0, 17)])
      expect(await unwrap(der)).toBe('BLOB_MALFORMED');
  });

  it('are refused when they are cut anywhere', async () => {
    for (let length = 0; length < whole.length; length++)
      expect(await unwrap(whole.subarray(0, length))).toBe('BLOB_MALFORMED');
  });

  it('are refused when a byte before the entropy is another', async () => {
    for (let at = 0; at < 7; at++) {
      const changed = Uint8Array.from(whole);
      changed[at]! ^= 0xff;
      expect(await unwrap(changed)).toBe('BLOB_MALFORMED');
    }
  });
});

describe('the options of a dpapi protector', () => {
  it('are checked when it is made', () => {
    const make = (options: object) => codeOf(() => dpapiProtector(options));
    expect(make({})).toBe('none');
    expect(make({ scope: 'domain' })).toBe('PARAMETER_INVALID');
    expect(make({ description: '' })).toBe('PARAMETER_INVALID');
    expect(make({ description: 'two\0' })).toBe('PARAMETER_INVALID');
    expect(make({ description: 'x'.repeat(257) })).toBe('PARAMETER_INVALID');
    expect(make({ description: 'x'.repeat(256), entropy: new Uint8Array(4096) })).toBe('none');
    expect(make({ entropy: new Uint8Array(4097) })).toBe('PARAMETER_INVALID');
  });

  it('decide who can read a key, and what it survives', () => {
    const { posture: user } = dpapiProtector();
    expect(user.readableBy).toContain('this user');
    expect(user.readableBy.join()).toContain("the domain's DPAPI backup key");
    const { posture: machine }: Protector = dpapiProtector({ scope: 'machine' });
    expect(machine.readableBy).toEqual(['every user of this machine']);
    expect([user.survivesPasswordReset, machine.survivesPasswordReset]).toEqual([false, true]);
    for (const { survivesNewMachine, survivesTpmClear } of [user, machine])
      expect({ survivesNewMachine, survivesTpmClear }).toEqual({
        survivesNewMachine: false,
        survivesTpmClear: true,
      });
  });
});

describe('what DPAPI failed with', () => {
  const said = (api: string, name: keyof typeof WINDOWS_STATUS) =>
    nativeError(api, 'win32', WINDOWS_STATUS[name]);

  it.each([
    'NTE_BAD_KEY_STATE',
    'ERROR_FILE_NOT_FOUND',
    'ERROR_ACCESS_DENIED',
    'RPC_S_SERVER_UNAVAILABLE',
    'NTE_BAD_KEYSET',
    'NTE_SYS_ERR',
  ] as const)('is a secret that is not here: %s, which the error keeps', (name) => {
    const failure = unprotectFailure(said('CryptUnprotectData', name)) as KeyStoreError;
    expect(failure.code).toBe('PROTECTOR_UNAVAILABLE');
    expect(failure.native).toEqual({
      api: 'CryptUnprotectData',
      family: 'win32',
      value: WINDOWS_STATUS[name],
      name,
    });
    expect(failure.hint).toContain('password was reset');
  });

  it.each(['ERROR_INVALID_DATA', 'ERROR_INVALID_PARAMETER', 'NTE_BAD_DATA'] as const)(
    'is a damaged key file: %s, which the error does not keep',
    (name) => {
      const failure = unprotectFailure(said('CryptUnprotectData', name)) as KeyStoreError;
      expect(failure.code).toBe('KEY_FILE_DAMAGED');
      expect(failure.native).toBeUndefined();
      expect(failure.message).not.toContain(name);
    },
  );

  it('says when sealing why there is no secret', () => {
    const failure = protectFailure(said('CryptProtectData', 'ERROR_FILE_NOT_FOUND'));
    expect(failure).toMatchObject({
      code: 'PROTECTOR_UNAVAILABLE',
      native: { api: 'CryptProtectData', value: 2 },
      hint: expect.stringContaining('profile') as string,
    });
  });

  it('is left alone where it was not Windows that failed', () => {
    for (const error of [new KeyStoreError('MODULE_MISSING'), new TypeError('not bytes')]) {
      expect(unprotectFailure(error)).toBe(error);
      expect(protectFailure(error)).toBe(error);
    }
  });
});
