/** Cases: NCryptGetProperty and NCryptSetProperty. */
import assert from 'node:assert/strict';
import { isAtLeast } from '../../contracts/protection-level.ts';
import type { ExportPolicy, KeyProperties, PersistedKey } from '../../contracts/provider.ts';
import {
  algorithm,
  fails,
  PERSISTED,
  sameBytes,
  type ProviderCase,
  type ProviderTest,
} from './provider-case.ts';

const CLOSED: ExportPolicy = {
  export: false,
  plaintextExport: false,
  archive: false,
  plaintextArchive: false,
};
const ONE_MIB = 1 << 20;

export const PROPERTIES: readonly ProviderCase[] = [
  {
    title: 'gives a key the usages of its kind',
    async body(test) {
      const { algorithms } = test.capabilities;
      const usages = async (key: PersistedKey) => [...(await key.getProperty('keyUsage'))];
      for (const name of algorithms) {
        if (name.startsWith('ECDH'))
          assert.deepEqual(await usages(await test.key(name, 'AT_KEYEXCHANGE')), ['agree']);
        else assert.deepEqual(await usages(await test.key(name, 'AT_SIGNATURE')), ['sign']);
      }
      if (algorithms.includes('RSA'))
        assert.deepEqual(await usages(await test.key('RSA', 'AT_KEYEXCHANGE')), [
          'decrypt',
          'sign',
        ]);
    },
  },
  {
    title: 'refuses usages that a key cannot have, and none at all',
    async body(test) {
      const pending = await test.pending(test.signingAlgorithm(), 'AT_SIGNATURE');
      for (const usage of [[], ['agree'], ['sign', 'everything'], 'sign', undefined] as never[])
        await fails('PARAMETER_INVALID', pending.setProperty('keyUsage', usage));
    },
  },
  {
    title: 'keeps an export policy, and narrows but never widens it once the key is finalized',
    async body(test) {
      const open = { ...CLOSED, export: true, plaintextExport: true };
      await eachKept(
        test,
        { exportPolicy: { ...open, plaintextArchive: true } },
        async (key, again) => {
          await key.setProperty('exportPolicy', open);
          await fails(
            'EXPORT_FORBIDDEN',
            key.setProperty('exportPolicy', { ...open, archive: true }),
          );
          await key.setProperty('exportPolicy', CLOSED);
          await fails('EXPORT_FORBIDDEN', key.setProperty('exportPolicy', open));
          assert.deepEqual(await (await again()).getProperty('exportPolicy'), CLOSED);
          assert.equal((await key.getProperty('posture')).exportable, false);
        },
      );
    },
  },
  {
    title: 'narrows but never widens the usages of a finalized key',
    needs: [algorithm('RSA')],
    async body(test) {
      const key = await test.key('RSA', 'AT_KEYEXCHANGE');
      await key.setProperty('keyUsage', ['sign']);
      assert.deepEqual(await key.getProperty('keyUsage'), ['sign']);
      await fails('EXPORT_FORBIDDEN', key.setProperty('keyUsage', ['decrypt', 'sign']));
    },
  },
  {
    title: 'takes a uiPolicy before finalize only',
    async body(test) {
      const uiPolicy = { level: 'protect', title: 'The archive’s key' } as const;
      await eachKept(test, { uiPolicy }, async (key, again) => {
        assert.deepEqual(await (await again()).getProperty('uiPolicy'), uiPolicy);
        await fails('PARAMETER_INVALID', key.setProperty('uiPolicy', { level: 'none' }));
      });
      const pending = await test.pending(test.exchangeAlgorithm(), 'AT_KEYEXCHANGE');
      for (const wrong of [undefined, {}, { level: 'maybe' }, { level: 'none', title: 5 }])
        await fails('PARAMETER_INVALID', pending.setProperty('uiPolicy', wrong as never));
    },
  },
  {
    title: 'takes a length before finalize, and for RSA, only',
    async body(test) {
      const key = await test.exchangeKey();
      await fails('PARAMETER_INVALID', key.setProperty('length', 2048));
      if (test.exchangeAlgorithm() === 'RSA') return;
      const pending = await test.pending(test.exchangeAlgorithm(), 'AT_KEYEXCHANGE');
      await fails('PARAMETER_INVALID', pending.setProperty('length', 256));
    },
  },
  {
    title: 'keeps custom properties: copies, replaces and removes them',
    async body(test) {
      const value = Uint8Array.of(1, 2, 3);
      await eachKept(test, { 'custom:first': value }, async (key, again) => {
        value.fill(9);
        const kept = await (await again()).getProperty('custom:first');
        sameBytes(kept!, Uint8Array.of(1, 2, 3));
        kept!.fill(8);
        await key.setProperty('custom:empty', new Uint8Array(0));
        await key.setProperty('custom:first', Uint8Array.of(4));
        const handle = await again();
        sameBytes((await handle.getProperty('custom:first'))!, Uint8Array.of(4));
        sameBytes((await handle.getProperty('custom:empty'))!, new Uint8Array(0));
        assert.equal(await handle.getProperty('custom:never'), undefined);
        await key.setProperty('custom:first', undefined);
        assert.equal(await (await again()).getProperty('custom:first'), undefined);
        value.set([1, 2, 3]);
      });
    },
  },
  {
    title: 'holds a custom property of 1 MiB under a name of 64 characters, and refuses more',
    async body(test) {
      const large = new Uint8Array(ONE_MIB).fill(0xa5);
      const longest = `custom:${'é'.repeat(64)}` as const;
      await eachKept(test, { [longest]: large }, async (key, again) => {
        sameBytes((await (await again()).getProperty(longest))!, large);
        const refused = [
          [`custom:${'n'.repeat(65)}`, new Uint8Array(1)],
          ['custom:', new Uint8Array(1)],
          ['custom:bell\u0007', new Uint8Array(1)],
          ['custom:large', new Uint8Array(ONE_MIB + 1)],
          ['custom:text', 'text' as never],
        ] as const;
        for (const [name, wrong] of refused)
          await fails('PARAMETER_INVALID', key.setProperty(name, wrong));
      });
    },
  },
  {
    title: 'refuses to set what can only be read, and knows no other property',
    async body(test) {
      const key = await test.exchangeKey();
      const pending = await test.pending(test.exchangeAlgorithm(), 'AT_KEYEXCHANGE');
      for (const target of [key, pending]) {
        for (const property of ['uniqueName', 'modified', 'posture'] as const)
          await fails('PARAMETER_INVALID', target.setProperty(property, 'mine'));
        await fails('NOT_SUPPORTED', target.setProperty('colour' as never, 'red' as never));
      }
      await fails('NOT_SUPPORTED', key.getProperty('colour' as never));
    },
  },
  {
    title: 'says when a key was last changed, to the second',
    async body(test) {
      const before = Date.now() - 1000;
      const key = await test.exchangeKey();
      const made = (await key.getProperty('modified')).getTime();
      assert.ok(made >= before && made <= Date.now() + 1000);
      await key.setProperty('custom:changed', new Uint8Array(1));
      assert.ok((await key.getProperty('modified')).getTime() >= made);
    },
  },
  {
    title: 'gives each kept key a unique name that stays',
    needs: [PERSISTED],
    async body(test) {
      const name = test.name();
      const key = await test.exchangeKey({ name });
      const other = await test.exchangeKey({ name: test.name() });
      const unique = await key.getProperty('uniqueName');
      assert.ok(unique.length > 0);
      assert.notEqual(await other.getProperty('uniqueName'), unique);
      await key.setProperty('custom:changed', new Uint8Array(1));
      const again = await (await test.again()).openKey(name, 'AT_KEYEXCHANGE');
      assert.equal(await again.getProperty('uniqueName'), unique);
    },
  },
  {
    title: 'keeps every change of handles that change one key at the same time',
    needs: [PERSISTED],
    async body(test) {
      const name = test.name();
      const handles = [await test.exchangeKey({ name })];
      for (let n = 1; n < 4; n++)
        handles.push(await (await test.again()).openKey(name, 'AT_KEYEXCHANGE'));
      await Promise.all(
        handles.map((handle, n) => handle.setProperty(`custom:${n}`, Uint8Array.of(n))),
      );
      const key = await test.provider.openKey(name, 'AT_KEYEXCHANGE');
      for (const n of handles.keys())
        sameBytes((await key.getProperty(`custom:${n}`))!, Uint8Array.of(n));
    },
  },
  {
    title: 'says where a key is and who can have it',
    async body(test) {
      const posture = await (await test.exchangeKey()).getProperty('posture');
      assert.ok(posture.inMemory.length > 0 && posture.onDisk.length > 0);
      assert.ok(posture.usableBy.length > 0);
      assert.ok(
        isAtLeast(posture.inMemory, posture.level),
        'no more is claimed than the place is worth',
      );
      const { inMemory, onDisk } = posture.couldRead;
      const isOpen = inMemory === 'same user' || onDisk === 'same user';
      assert.equal(posture.level === 'this process', isOpen || posture.inMemory === 'this process');
      assert.equal(posture.perBoot, false);
      assert.equal(typeof posture.survives.newMachine, 'boolean');
    },
  },
];

/** Runs `body` with an ephemeral key and, where keys are kept, with one that each `again` opens afresh. */
async function eachKept(
  test: ProviderTest,
  properties: Partial<KeyProperties>,
  body: (key: PersistedKey, again: () => Promise<PersistedKey>) => Promise<void>,
): Promise<void> {
  const ephemeral = await test.exchangeKey({ properties });
  await body(ephemeral, () => Promise.resolve(ephemeral));
  if (!test.capabilities.persisted) return;
  const name = test.name();
  const key = await test.exchangeKey({ name, properties });
  await body(key, async () => (await test.again()).openKey(name, 'AT_KEYEXCHANGE'));
}
