/**
 * The security descriptor that a group key is bound to, self-relative. Source: [MS-DTYP] 2.4.6 (SECURITY_DESCRIPTOR), 2.4.5 (ACL), 2.4.4.2
 * (ACCESS_ALLOWED_ACE), 2.5.1 (SDDL); the order of parts is that of the descriptors that Windows computes keys with.
 *
 *  off size field        meaning
 *    0    1 Revision     1
 *    1    1 Sbz1         0
 *    2    2 Control      0x8004: self-relative, with a DACL
 *    4    4 OffsetOwner
 *    8    4 OffsetGroup
 *   12    4 OffsetSacl   0
 *   16    4 OffsetDacl   20
 *   20    n DACL         AclRevision 2, Sbz1 0, AclSize u16, AceCount u16, Sbz2 0, then ACEs {type 0, flags 0, size u16, mask, SID}
 *    +    n owner, then group
 *
 * Every byte counts: the descriptor goes into the derivation of the key, and no server checks anything.
 */
import { BlobWriter } from '../../bytes/blob-writer.ts';
import { KeyStoreError } from '../../errors.ts';
import { encodeSid } from '../../windows-files/sid.ts';

/**
 * The descriptor of the rule `SID=...`: the account may open (mask 3), everybody may protect (mask 2), of and for the system.
 *
 * @param sid - `S-1-5-21-...`
 * @throws KeyStoreError PARAMETER_INVALID for anything else.
 */
export function securityDescriptorOfSid(sid: string): Uint8Array {
  return encodeSecurityDescriptor({
    owner: SYSTEM,
    group: SYSTEM,
    entries: [
      { mask: CC | DC, sid },
      { mask: DC, sid: EVERYONE },
    ],
  });
}

/**
 * The descriptor of the rule `SDDL=...`: an owner, a group and a DACL of `A` entries whose rights are CC and DC or a number.
 *
 * @throws KeyStoreError NOT_SUPPORTED for SDDL of another form.
 */
export function securityDescriptorOfSddl(sddl: string): Uint8Array {
  const groups = /^O:(?<owner>[^:()]+)G:(?<group>[^:()]+)D:(?<entries>(?:\([^()]*\))+)$/u.exec(
    sddl,
  )?.groups;
  if (groups === undefined) throw notThisSddl();
  const entries = Array.from(groups['entries']!.matchAll(/\((?<entry>[^()]*)\)/gu), (match) => {
    const parts = /^A;;(?<rights>\w+);;;(?<sid>[\w-]+)$/u.exec(match.groups!['entry']!)?.groups;
    if (parts === undefined) throw notThisSddl();
    return { mask: maskOf(parts['rights']!), sid: sidOf(parts['sid']!) };
  });
  return encodeSecurityDescriptor({
    owner: sidOf(groups['owner']!),
    group: sidOf(groups['group']!),
    entries,
  });
}

interface SecurityDescriptor {
  readonly owner: string;
  readonly group: string;
  readonly entries: readonly { readonly mask: number; readonly sid: string }[];
}

function encodeSecurityDescriptor(descriptor: SecurityDescriptor): Uint8Array {
  const owner = encodeSid(descriptor.owner);
  const group = encodeSid(descriptor.group);
  const entries = descriptor.entries.map(({ mask, sid }) => ({ mask, sid: encodeSid(sid) }));
  const aclSize = entries.reduce((sum, { sid }) => sum + 8 + sid.length, 8);
  const ownerAt = HEADER_LENGTH + aclSize;
  const writer = new BlobWriter(ownerAt + owner.length + group.length);
  writer
    .u8(1)
    .u8(0)
    .u16le(SELF_RELATIVE | DACL_PRESENT);
  writer
    .u32le(ownerAt)
    .u32le(ownerAt + owner.length)
    .u32le(0)
    .u32le(HEADER_LENGTH);
  writer.u8(2).u8(0).u16le(aclSize).u16le(entries.length).u16le(0);
  for (const { mask, sid } of entries)
    writer
      .u8(0)
      .u8(0)
      .u16le(8 + sid.length)
      .u32le(mask)
      .bytes(sid);
  return writer.bytes(owner).bytes(group).finish();
}

/** `CCDC`, `0x3`. */
function maskOf(rights: string): number {
  if (/^0x[0-9a-f]{1,8}$/iu.test(rights)) return Number.parseInt(rights, 16);
  if (!/^(?:CC|DC)+$/u.test(rights)) throw notThisSddl();
  return (rights.includes('CC') ? CC : 0) | (rights.includes('DC') ? DC : 0);
}

/** A SID, or one of the short names that do not depend on a domain. */
function sidOf(text: string): string {
  return SHORT_SIDS.get(text) ?? text;
}

function notThisSddl(): KeyStoreError {
  return new KeyStoreError('NOT_SUPPORTED', 'no security descriptor can be made of this SDDL');
}

const HEADER_LENGTH = 20;
const SELF_RELATIVE = 0x8000;
const DACL_PRESENT = 0x0004;
/** ADS_RIGHT_DS_CREATE_CHILD, ADS_RIGHT_DS_DELETE_CHILD: to DPAPI-NG, to open and to protect. */
const CC = 1;
const DC = 2;
const SYSTEM = 'S-1-5-18';
const EVERYONE = 'S-1-1-0';
/** [MS-DTYP] 2.5.1.1 */
const SHORT_SIDS: ReadonlyMap<string, string> = new Map([
  ['AN', 'S-1-5-7'],
  ['AU', 'S-1-5-11'],
  ['BA', 'S-1-5-32-544'],
  ['BU', 'S-1-5-32-545'],
  ['IU', 'S-1-5-4'],
  ['LS', 'S-1-5-19'],
  ['NS', 'S-1-5-20'],
  ['NU', 'S-1-5-2'],
  ['SU', 'S-1-5-6'],
  ['SY', SYSTEM],
  ['WD', EVERYONE],
]);
