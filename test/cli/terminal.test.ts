/** What a person at a terminal is asked, sees and does not see. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { whyNot } from './support/requirements.ts';
import { Sandbox } from './support/sandbox.ts';
import { atTerminal } from './support/terminal.ts';

const why = whyNot(['python']);
if (why !== undefined) console.warn(`LEFT OUT: tests at a terminal: ${why}`);

const CTRL_C = '\u{3}';
const BACKSPACE = '\u{7f}';

describe.skipIf(why !== undefined)('at a terminal', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.remove());
  const path = (name: string) => join(sandbox.folder, name);
  const run = (command: string) => sandbox.run(command);

  test('a new passphrase is asked for twice, an old one once, and neither is shown', async () => {
    const made = await atTerminal(sandbox, 'keycask init --protector passphrase', [
      ['New passphrase of the container: ', `tyfoo${BACKSPACE}${BACKSPACE}${BACKSPACE}po-grüße\r`],
      ['New passphrase of the container, again: ', 'typo-grüße\r'],
    ]);
    expect(made).toMatchObject({ exitCode: 0 });
    expect(made.screen).not.toMatch(/ty|typo|gr/u);
    const used = await atTerminal(sandbox, 'keycask create reports', [
      ['Passphrase of the container: ', 'typo-grüße\r'],
    ]);
    expect(used.screen).toMatch(/^Passphrase of the container: \n[0-9a-f]{32}\n$/u);
    const wrong = await atTerminal(sandbox, 'keycask create reports', [
      ['Passphrase of the container: ', 'another\r'],
    ]);
    expect(wrong.exitCode).toBe(4);
    expect(wrong.screen).toContain('[PASSWORD_WRONG, ');
  });

  test('two entries that differ make nothing', async () => {
    const result = await atTerminal(sandbox, 'keycask init --protector passphrase', [
      ['container: ', 'one\r'],
      ['again: ', 'two\r'],
    ]);
    expect(result.exitCode).toBe(2);
    expect(result.screen).toContain('keycask: error: the two entries differ [USAGE, ');
    expect(existsSync(path('home'))).toBe(false);
  });

  test('Ctrl-C at a prompt ends the command with 130, and the terminal echoes again', async () => {
    const result = await atTerminal(
      sandbox,
      'keycask init --protector passphrase; echo "exit $?"; stty -a | grep -o " echo "',
      [['container: ', `half${CTRL_C}`]],
    );
    expect(result.screen).toContain('[CANCELLED, ');
    expect(result.screen).toMatch(/exit 130\n echo \n$/u);
    expect(existsSync(path('home'))).toBe(false);
  });

  test('a password is asked for where only it opens, though the data comes by standard input', async () => {
    await run('keycask init --home alice && keycask init --home bob');
    await run('keycask container certificate --signing --home alice > alice.pem');
    const encrypted = await atTerminal(
      sandbox,
      'printf secret | keycask encrypt --password --home alice > s.cask',
      [
        ['New password: ', 'sesame\r'],
        ['again: ', 'sesame\r'],
      ],
    );
    expect(encrypted).toMatchObject({ exitCode: 0 });
    const decrypted = await atTerminal(
      sandbox,
      'keycask decrypt --signer alice.pem --home bob < s.cask',
      [['Password: ', 'sesame\r']],
    );
    expect(decrypted.screen).toBe('Password: \nsecret');
    const without = await atTerminal(
      sandbox,
      'KEYCASK_HOME=$WORK/none keycask decrypt s.cask -o - --password',
      [['Password: ', 'sesame\r']],
    );
    expect(without.screen).toBe('Password: \nsecret');
  });

  test('removing is confirmed', async () => {
    await run('keycask init && keycask create reports');
    const no = await atTerminal(sandbox, 'keycask remove reports', [['[y/N] ', 'no\r']]);
    expect(no.screen).toMatch(/^Remove key reports \([0-9a-f]{32}\) for good\? \[y\/N\] no\n/u);
    expect(no.exitCode).toBe(130);
    expect((await run('keycask list --json')).stdout).not.toBe('');
    const yes = await atTerminal(sandbox, 'keycask remove reports', [['[y/N] ', 'y\r']]);
    expect(yes.exitCode).toBe(0);
    expect((await run('keycask list --json')).stdout).toBe('');
  });

  test('a terminal gets no binary, but may get text', async () => {
    writeFileSync(path('text'), 'a line\n');
    writeFileSync(path('binary'), Uint8Array.of(0x1b, 0x5b, 0x32, 0x4a, 0));
    await run('keycask init && keycask encrypt text && keycask encrypt binary && keycask create k');
    const ciphertext = await atTerminal(sandbox, 'keycask encrypt < text');
    expect(ciphertext.exitCode).toBe(2);
    expect(ciphertext.screen).toContain('what is encrypted would go to the terminal [USAGE, ');
    expect(await atTerminal(sandbox, 'keycask decrypt < text.cask')).toEqual({
      screen: 'a line\n',
      exitCode: 0,
    });
    const plaintext = await atTerminal(sandbox, 'keycask decrypt < binary.cask');
    expect(plaintext.exitCode).toBe(2);
    expect(plaintext.screen).toMatch(/^keycask: error: this is binary, /u);
    const record = await atTerminal(sandbox, 'keycask record export k');
    expect(record.exitCode).toBe(2);
    expect(record.screen).toContain('the record would go to the terminal [USAGE, ');
  });

  test('progress is shown on long work, on stderr alone, and not with --quiet', async () => {
    await run('keycask init');
    const slow = '(for i in 1 2 3 4; do head -c 2000000 /dev/zero; sleep 0.4; done)';
    const shown = await atTerminal(sandbox, `${slow} | keycask encrypt - -o big.cask`);
    expect(shown).toMatchObject({ exitCode: 0 });
    expect(shown.screen).toMatch(/[1-9] MiB/u);
    const quiet = await atTerminal(sandbox, `${slow} | keycask encrypt - -o q.cask --quiet`);
    expect(quiet).toEqual({ screen: '', exitCode: 0 });
    expect(readFileSync(path('q.cask')).length).toBe(readFileSync(path('big.cask')).length);
  });
});
