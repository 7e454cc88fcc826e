/** The parts of the cryptoapi provider that need no Windows: names, references, posture. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../../../lib/bytes/octets.ts';
import { keyFileStem } from '../../../lib/providers/cryptoapi/container-access.ts';
import {
  containerNameOf,
  isContainerName,
  mayLieIn,
  readReference,
  sealedReference,
} from '../../../lib/providers/cryptoapi/container-name.ts';
import { openCryptoApiProvider } from '../../../lib/providers/cryptoapi/index.ts';
import { postureOf, type CryptoApiPostureFacts } from '../../../lib/providers/cryptoapi/posture.ts';
import { defaultProperties } from '../../../lib/providers/rules/key-properties.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';

describe("a key file of Microsoft's CSPs", () => {
  // Names that Windows and IIS give every machine: the first halves of files below MachineKeys are well known.
  it.each([
    ['iisConfigurationKey', '6de9cb26d2b98c01ec4e9e8b34824aa2'],
    ['NetFrameworkConfigurationKey', 'd6d986f09a1ee04e24c949879fdb506c'],
    ['iisWasKey', '76944fb33636aeddb9590521c2e8815a'],
    ['TSSecKeySet1', 'f686aace6942fb7f7ceb231212eef4a4'],
  ])('of the container %s begins with %s', (container, stem) => {
    expect(keyFileStem(container)).toBe(stem);
    expect(keyFileStem(container.toUpperCase())).toBe(stem);
  });
});

describe('the container of a new key', () => {
  const nameOf = (name: string, legacyKeySpec: 'AT_KEYEXCHANGE' | 'AT_SIGNATURE' | 'none') =>
    containerNameOf({ scope: 'user', name, legacyKeySpec });

  it('has its name, which both keys of a container share', () => {
    expect(nameOf('archive', 'AT_KEYEXCHANGE')).toBe('archive');
    expect(nameOf('archive', 'AT_SIGNATURE')).toBe('archive');
  });

  it('has a name of its own where CryptoAPI could confuse the name, or the key has no slot', () => {
    const hashed = [
      nameOf('Archive', 'AT_KEYEXCHANGE'),
      nameOf('Archive', 'AT_SIGNATURE'),
      nameOf('archive', 'none'),
      nameOf('archiv é', 'AT_KEYEXCHANGE'),
      nameOf('back\\slash', 'AT_KEYEXCHANGE'),
      nameOf(`keycask-${'0'.repeat(40)}`, 'AT_KEYEXCHANGE'),
    ];
    expect(new Set(hashed).size).toBe(hashed.length);
    for (const name of hashed) expect(name).toMatch(/^keycask-[0-9a-f]{40}$/);
  });
});

describe("the name of another application's container", () => {
  it('is printable ASCII without a backslash, at most 255 characters', () => {
    for (const name of ['a', '{5F0E3A1C-0000}', 'Old Key / 1', '~', ' ', 'x'.repeat(255)])
      expect(isContainerName(name)).toBe(true);
    for (const name of ['', 'a\\b', 'é', '鍵', 'bell\u0007', '\u007f', 'x'.repeat(256)])
      expect(isContainerName(name)).toBe(false);
  });
});

it('refuses a name that no CSP can have, before anything is loaded', async () => {
  for (const providerName of ['', 'Microsoft\0', 'x'.repeat(10_000)])
    expect(await codeOfAsync(openCryptoApiProvider({ providerName }))).toBe('PARAMETER_INVALID');
});

describe('a reference to a container', () => {
  it('is to one where a key of its name can lie', () => {
    const key = { scope: 'machine', name: 'Archive', legacyKeySpec: 'AT_KEYEXCHANGE' } as const;
    for (const container of [containerNameOf(key), 'Archive', 'archive'])
      expect(mayLieIn(key, container)).toBe(true);
    for (const container of ['archive2', containerNameOf({ ...key, name: 'archivE' })])
      expect(mayLieIn(key, container)).toBe(false);
  });

  it('is its name, padded with zero bytes to 32 and no more', () => {
    for (const name of ['a', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(200), 'ünï']) {
      using reference = sealedReference(name);
      expect(reference.length).toBe(Math.max(32, encodeUtf8(name).length));
      expect(readReference(reference.bytes)).toBe(name);
    }
  });

  it('is refused in any other form', () => {
    const padded = (text: string, length: number) => {
      const bytes = new Uint8Array(length);
      bytes.set(encodeUtf8(text));
      return bytes;
    };
    const malformed = [
      new Uint8Array(0),
      new Uint8Array(32),
      padded('a', 31),
      padded('a', 33),
      padded('x'.repeat(40), 41),
      padded('a\0b', 32),
      new Uint8Array(32).fill(0xff),
    ];
    for (const bytes of malformed)
      expect(codeOf(() => readReference(bytes))).toBe('KEY_FILE_DAMAGED');
  });
});

describe('the posture of a CryptoAPI key', () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const facts: CryptoApiPostureFacts = {
    cspName: 'A CSP',
    isHardware: false,
    container: 'archive',
    scope: 'user',
    publicKey: publicKey.export({ format: 'der', type: 'spki' }),
    isExportable: true,
  };
  const kind = { algorithm: 'RSA', legacyKeySpec: 'AT_KEYEXCHANGE' } as const;
  const properties = defaultProperties(kind, 'none', new Date(0));

  it('says that the private half is in every process that uses it', () => {
    const posture = postureOf(facts, properties);
    expect(posture.inMemory).toBe('this process');
    expect(posture.readableBy).toEqual([
      'every process of this user',
      'administrators of this machine',
    ]);
    expect(posture.notes).toHaveLength(1);
    expect(posture.notes[0]).toMatch(/^in the legacy store: .* the process that uses it$/);
  });

  it('names nobody who could read a key on a token, which outlives this machine', () => {
    const posture = postureOf({ ...facts, isHardware: true, isExportable: false }, properties);
    expect(posture).toMatchObject({ inMemory: 'token', readableBy: [], notes: [] });
    expect(posture.onDisk).toBe('container "archive" of the A CSP, on its token');
    expect(posture.survives).toMatchObject({ newMachine: true, passwordReset: true });
  });

  it('of a machine key survives the reset of a password, that of a user does not', () => {
    const survives = (scope: 'user' | 'machine') =>
      postureOf({ ...facts, scope }, properties).survives.passwordReset;
    expect([survives('user'), survives('machine')]).toEqual([false, true]);
  });

  it('of an ephemeral key has nothing to say of a store', () => {
    const posture = postureOf({ ...facts, container: undefined }, properties);
    expect(posture).toMatchObject({ onDisk: 'nowhere', notes: [] });
    expect(posture.survives.reboot).toBe(false);
  });

  it('says what was asked for and is weaker here', () => {
    const asked = {
      ...properties,
      isolation: 'prefer-vbs',
      uiPolicy: { level: 'protect' },
    } as const;
    const notes = postureOf(facts, asked).notes.join('\n');
    expect(notes).toMatch(/prefer-vbs/);
    expect(notes).toMatch(/uiPolicy protect/);
  });
});
