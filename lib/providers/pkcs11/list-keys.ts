/** Listing the keys of a token: those of keycask, by their facts, and those of other programs; each once. */
import type { LegacyKeySpec, PersistedKeyInfo } from '../../contracts/provider.ts';
import { toHex } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { algorithmOf, listForeign, isForeign, specsOf } from './foreign-key.ts';
import { specOfKeptId } from './key-id.ts';
import { uriOf } from './key-name.ts';
import { findPrivateKeys, findPublicKeys, readSpki, type KeyObject } from './key-objects.ts';
import { readFacts } from './token-facts.ts';
import type { TokenSession } from './token-sessions.ts';

type Listed = PersistedKeyInfo | KeyStoreError;

/** Every key. For one that cannot be read, the reason. */
export async function listKeys(session: TokenSession): Promise<Listed[]> {
  const listed: Listed[] = [];
  const privateKeys = await findPrivateKeys(session, []);
  const ids = new Set(privateKeys.map(({ id }) => toHex(id)));
  const told = new Set<string>();
  for (const one of await readFacts(session)) {
    if (KeyStoreError.is(one)) listed.push(one);
    else if (ids.has(toHex(one.keyId))) {
      const { name, legacyKeySpec, algorithm, scope, publicKey } = one.facts;
      told.add(identityOf(one.keyId, legacyKeySpec));
      listed.push({ name, legacyKeySpec, algorithm, scope, publicKey });
    }
  }
  for (const key of privateKeys.filter(isForeign))
    for (const legacyKeySpec of specsOf(key))
      if (!told.has(identityOf(key.id, legacyKeySpec))) {
        const described = await listForeign(session, key, legacyKeySpec);
        if (!described) continue;
        const { algorithm, publicKey } = described;
        const name = nameOf(key, privateKeys);
        listed.push({ name, legacyKeySpec, algorithm, scope: 'user', publicKey });
      }
  return listed;
}

/**
 * What is seen without a login: public keys. Nothing of it is authentic, and keys of other programs are left out: what they are for is said
 * with their private halves.
 */
export async function listPublic(session: TokenSession): Promise<PersistedKeyInfo[]> {
  const listed: PersistedKeyInfo[] = [];
  for (const key of await findPublicKeys(session, [])) {
    const legacyKeySpec = specOfKeptId(key.id);
    const publicKey = legacyKeySpec && (await readSpki(session, key));
    if (!publicKey) continue;
    const algorithm = algorithmOf(publicKey, legacyKeySpec);
    listed.push({ name: key.label, legacyKeySpec, algorithm, scope: 'user', publicKey });
  }
  return listed;
}

/** Its label, unless that is empty or another key's too. */
function nameOf(key: KeyObject, all: readonly KeyObject[]): string {
  const isOnly = all.filter(({ label }) => label === key.label).length === 1;
  return key.label !== '' && isOnly ? key.label : uriOf(key);
}

function identityOf(id: Uint8Array, spec: LegacyKeySpec): string {
  return `${spec} ${toHex(id)}`;
}
