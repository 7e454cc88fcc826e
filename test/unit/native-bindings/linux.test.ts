/** The C library and the keyrings of Linux, through their bindings. */
import process from 'node:process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasErrno, openLibC } from '../../../native-bindings/libc.ts';
import {
  KEY_POS_LINK,
  KEY_POS_READ,
  KEY_POS_SEARCH,
  KEY_POS_VIEW,
  KEY_SPEC_THREAD_KEYRING,
  KEY_SPEC_USER_KEYRING,
  PR_GET_DUMPABLE,
  PR_GET_NO_NEW_PRIVS,
} from '../../../native-bindings/linux-constants.ts';
import { loadLinuxKeyring } from '../../../native-bindings/linux-keyring.ts';
import { loadLinuxProcess } from '../../../native-bindings/linux-process.ts';
import { loadPeerCredentials } from '../../../native-bindings/peer-credentials.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { hasKeyring } from '../../support/keyring.ts';

const isLinux = process.platform === 'linux';

function failureOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

test('on another system the bindings are NOT_SUPPORTED, before koffi is asked for', async () => {
  const other = isLinux ? 'darwin' : 'linux';
  expect(await codeOfAsync(openLibC(other))).toBe('NOT_SUPPORTED');
});

describe.skipIf(!isLinux)('the C library of Linux', () => {
  test('answers what prctl asks', async () => {
    const linux = await loadLinuxProcess();
    expect(linux.prctl(PR_GET_DUMPABLE)).toBe(1);
    expect([0, 1]).toContain(linux.prctl(PR_GET_NO_NEW_PRIVS));
  });

  test('a failure carries errno, its name and the function, whatever Node does afterwards', async () => {
    const linux = await loadLinuxProcess();
    const failure = failureOf(() => linux.prctl(9999));
    expect(failure).toMatchObject({
      code: 'IO_FAILED',
      native: { api: 'prctl', family: 'errno', value: 22, name: 'EINVAL' },
    });
    expect(hasErrno(failure, 'EINVAL')).toBe(true);
    expect(hasErrno(failure, 'EPERM')).toBe(false);
    const peerOf = await loadPeerCredentials();
    expect(failureOf(() => peerOf(9999))).toMatchObject({ native: { name: 'EBADF' } });
  });
});

describe.skipIf(!hasKeyring)('the keyrings of Linux', () => {
  const name = () => `keycask-test-${process.pid}-${Math.random()}`;

  test('keep a key, which is found by its description and read', async () => {
    const keyring = await loadLinuxKeyring();
    const description = name();
    expect(keyring.findUserKey(description, KEY_SPEC_THREAD_KEYRING)).toBeUndefined();
    const key = keyring.addUserKey(description, Buffer.from('payload'), KEY_SPEC_THREAD_KEYRING);
    expect(keyring.findUserKey(description, KEY_SPEC_THREAD_KEYRING)).toBe(key);
    const target = Buffer.alloc(16);
    expect(keyring.readKey(key, target)).toBe(7);
    expect(target.toString('latin1', 0, 7)).toBe('payload');
    keyring.unlinkKey(key, KEY_SPEC_THREAD_KEYRING);
    expect(keyring.findUserKey(description, KEY_SPEC_THREAD_KEYRING)).toBeUndefined();
  });

  test('move a key only where there is none of that description, and let nobody write over one whose permissions forbid it', async () => {
    const keyring = await loadLinuxKeyring();
    const description = name();
    const permissions = KEY_POS_VIEW | KEY_POS_READ | KEY_POS_SEARCH | KEY_POS_LINK;
    const make = (payload: string) => {
      const key = keyring.addUserKey(description, Buffer.from(payload), KEY_SPEC_THREAD_KEYRING);
      keyring.setPermissions(key, permissions);
      return key;
    };
    const move = (key: number) =>
      keyring.moveKey(key, KEY_SPEC_THREAD_KEYRING, KEY_SPEC_USER_KEYRING);
    const first = make('first');
    expect(move(first)).toBe(true);
    onTestFinished(() => keyring.unlinkKey(first, KEY_SPEC_USER_KEYRING));
    const second = make('second');
    expect(move(second)).toBe(false);
    expect(failureOf(() => make('third'))).toMatchObject({ native: { name: 'EACCES' } });
    keyring.unlinkKey(second, KEY_SPEC_THREAD_KEYRING);
  });
});
