/** What a key's posture is through an agent, and what an agent of the same user is worth. */
import { describe, expect, test } from 'vitest';
import { postureInAgent, type AgentPlace } from '../../../lib/agent/agent-posture.ts';
import { protectionOf, type KeyReader } from '../../../lib/contracts/protection-level.ts';
import type { Posture } from '../../../lib/contracts/provider.ts';

const SAME: AgentPlace = { user: 'ann', isOtherUser: false, isHidden: true, allowsExport: false };
const OTHER: AgentPlace = {
  user: 'keycask-agent',
  isOtherUser: true,
  isHidden: true,
  allowsExport: false,
};

describe('the posture of a key in an agent', () => {
  test('of the same user under a machine secret is worth no more than this process, and says why', () => {
    const posture = postureInAgent(software('same user'), SAME);
    expect(posture).toMatchObject({
      inMemory: 'agent, same user',
      level: 'this process',
      couldRead: { inMemory: 'root', onDisk: 'same user' },
      readableBy: ['every process of this user', 'administrators of this machine'],
    });
    expect(posture.notes.join()).toContain('Give it a passphrase, or a user of its own');
  });

  test('of the same user under a passphrase, or a secret that others of the user cannot read, is worth it', () => {
    for (const onDisk of ['nobody', 'root'] as const)
      expect(postureInAgent(software(onDisk), SAME)).toMatchObject({
        inMemory: 'agent, same user',
        level: 'agent, same user',
        couldRead: { inMemory: 'root', onDisk },
        notes: [],
      });
  });

  test('of the same user whom the system did not hide is worth no more than this process', () => {
    const posture = postureInAgent(software('nobody'), { ...SAME, isHidden: false });
    expect(posture).toMatchObject({ level: 'this process', couldRead: { inMemory: 'same user' } });
  });

  test('of another user is that user’s and root’s, under a machine secret too', () => {
    expect(postureInAgent(software('same user'), OTHER)).toMatchObject({
      inMemory: 'agent, other user',
      level: 'agent, other user',
      couldRead: { inMemory: 'root', onDisk: 'root' },
      readableBy: ["the agent's user, keycask-agent", 'administrators of this machine'],
      notes: [],
    });
  });

  test('in a token stays in the token, whoever runs the agent', () => {
    const token: Posture = {
      ...software('nobody'),
      ...protectionOf('token', 'nobody'),
      inMemory: 'token',
      readableBy: [],
    };
    for (const place of [SAME, OTHER])
      expect(postureInAgent(token, place)).toMatchObject({ inMemory: 'token', level: 'token' });
  });

  test('is exportable only where the agent gives keys out too', () => {
    const exportable = { ...software('nobody'), exportable: true };
    expect(postureInAgent(exportable, SAME).exportable).toBe(false);
    const giving = { ...SAME, allowsExport: true };
    expect(postureInAgent(exportable, giving).exportable).toBe(true);
    expect(postureInAgent(software('nobody'), giving).exportable).toBe(false);
  });

  test('tells that the access list says who has it used', () => {
    expect(postureInAgent(software('nobody'), OTHER).usableBy).toEqual([
      "whom the agent's access list names",
      "the agent's user, keycask-agent",
      'administrators of this machine',
    ]);
  });
});

/** A key of the software provider, as the process that holds it tells of it. */
function software(onDisk: KeyReader): Posture {
  return {
    ...protectionOf('this process', onDisk),
    inMemory: 'this process',
    onDisk: 'sealed file',
    readableBy: ['this user'],
    usableBy: ['this user'],
    exportable: false,
    perBoot: false,
    survives: { passwordReset: true, newMachine: false, tpmClear: true, reboot: true },
    notes: [],
  };
}
