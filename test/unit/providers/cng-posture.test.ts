/** Which process can read the private half of a CNG key, as its posture tells. */
import { describe, expect, it } from 'vitest';
import type { Posture } from '../../../lib/contracts/provider.ts';
import { postureOf, type CngPostureFacts } from '../../../lib/providers/cng/posture.ts';
import {
  defaultProperties,
  type StoredProperties,
} from '../../../lib/providers/rules/key-properties.ts';

const MICROSOFT: CngPostureFacts = {
  isPersisted: true,
  scope: 'user',
  level: 'LSASS',
  storageProvider: 'Microsoft Software Key Storage Provider',
  isVirtuallyIsolated: false,
  perBoot: false,
  inLegacyStore: false,
  mayBeLegacy: false,
};
const kind = { algorithm: 'RSA', legacyKeySpec: 'AT_KEYEXCHANGE' } as const;
const PROPERTIES = defaultProperties(kind, 'none', new Date(0));
const LOCKED_UP = {
  export: false,
  plaintextExport: false,
  archive: false,
  plaintextArchive: false,
};

const posture = (
  facts: Partial<CngPostureFacts>,
  properties: Partial<StoredProperties> = {},
): Posture => postureOf({ ...MICROSOFT, ...facts }, { ...PROPERTIES, ...properties });

describe('the posture of a CNG key', () => {
  it('of Microsoft’s software provider: LSASS reads it, and no process of the user', () => {
    expect(posture({})).toEqual({
      inMemory: 'LSASS',
      level: 'LSASS',
      couldRead: { inMemory: 'root', onDisk: 'root' },
      onDisk: 'key file of the Microsoft Software Key Storage Provider',
      readableBy: [
        'the LSASS process',
        'administrators, unless LSA protection keeps them out of LSASS',
      ],
      usableBy: ['every process of this user', 'administrators of this machine'],
      exportable: true,
      perBoot: false,
      survives: { passwordReset: false, newMachine: false, tpmClear: true, reboot: true },
      notes: [],
    });
  });

  it('of the machine: its access list says who uses it, and no password is reset', () => {
    const { usableBy, survives } = posture({ scope: 'machine' });
    expect(usableBy[0]).toBe('whom the access list of the key names');
    expect(survives.passwordReset).toBe(true);
  });

  it('in VBS: nobody reads it; it dies with the TPM, and per boot with the boot', () => {
    const isolated = { isVirtuallyIsolated: true };
    const kept = posture(isolated, { exportPolicy: LOCKED_UP, isolation: 'require-vbs' });
    expect(kept).toMatchObject({ inMemory: 'VBS', readableBy: [], exportable: false, notes: [] });
    expect(kept.survives).toMatchObject({ tpmClear: false, reboot: true });
    const perBoot = posture({ ...isolated, perBoot: true }, { isolation: 'prefer-vbs' });
    expect(perBoot).toMatchObject({ perBoot: true, notes: [] });
    expect(perBoot.survives.reboot).toBe(false);
  });

  it('that was to be in VBS and is not: says so', () => {
    const { inMemory, notes } = posture({}, { isolation: 'prefer-vbs' });
    expect(inMemory).toBe('LSASS');
    expect(notes).toEqual(['prefer-vbs: no VBS here, so this is a software key']);
  });

  it('in a token: nobody reads it', () => {
    const storageProvider = 'Microsoft Platform Crypto Provider';
    const { readableBy, survives, onDisk } = posture({ level: 'token', storageProvider });
    expect(readableBy).toEqual([]);
    expect(survives).toMatchObject({ passwordReset: true, tpmClear: false });
    expect(onDisk).toBe('key file of the Microsoft Platform Crypto Provider');
  });

  it('of any other software provider: it is in this process', () => {
    const { inMemory, readableBy } = posture({ level: 'this process' });
    expect(inMemory).toBe('this process');
    expect(readableBy).toContain('every process of this user');
  });

  it('that has no name: it is nowhere on disk, and here in memory, since isolation is for keys that last', () => {
    expect(posture({ isPersisted: false })).toMatchObject({
      inMemory: 'this process',
      onDisk: 'nowhere',
      usableBy: ['this process'],
      survives: { passwordReset: true, reboot: false },
    });
    expect(posture({ isPersisted: false, isVirtuallyIsolated: true }).inMemory).toBe('VBS');
    expect(posture({ isPersisted: false, level: 'token' }).inMemory).toBe('token');
  });

  it('that CryptoAPI has too: says who else reads it', () => {
    expect(posture({ inLegacyStore: true }).notes.join()).toMatch(/legacy store: CryptoAPI loads/);
    expect(posture({ mayBeLegacy: true }).notes.join()).toMatch(/of another application/);
  });

  it('with a uiPolicy that nobody keeps: says so', () => {
    const uiPolicy = { level: 'force-high' } as const;
    expect(posture({}, { uiPolicy }).notes).toEqual([]);
    expect(posture({ level: 'this process' }, { uiPolicy }).notes).toEqual([
      'uiPolicy force-high: kept, but nobody is asked here before a use',
    ]);
  });

  it('is exportable as long as any export is allowed', () => {
    expect(posture({}, { exportPolicy: { ...LOCKED_UP, export: true } }).exportable).toBe(true);
    expect(posture({}, { exportPolicy: LOCKED_UP }).exportable).toBe(false);
  });
});
