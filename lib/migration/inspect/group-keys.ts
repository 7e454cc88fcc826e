/** Rows of the structures of DPAPI-NG's group keys. Layouts: lib/windows-files. */
import { decodeGroupKeyEnvelope } from '../../windows-files/group-key-envelope.ts';
import { decodeGroupKeyIdentifier, KDSK_MAGIC } from '../../windows-files/group-key-identifier.ts';
import { decodeKdfParameters } from '../../windows-files/kdf-parameters.ts';
import { formatReader, u32At, warning } from './format-reader.ts';

export const GROUP_KEYS = [
  formatReader({
    id: 'kdf-parameters',
    what: 'KDFParameters',
    detect: ({ bytes, size }) =>
      u32At(bytes, 0) === 0 &&
      u32At(bytes, 4) === 1 &&
      u32At(bytes, 12) === 0 &&
      u32At(bytes, 8) === size - 16,
    decode: (bytes) => ({ hash: decodeKdfParameters(bytes) }),
    describe: ({ hash }) => ({
      summary: `Names the hash that group keys are derived with, ${hash}.`,
    }),
  }),
  formatReader({
    id: 'group-key-identifier',
    what: 'group key identifier (KDSK)',
    detect: ({ bytes }) => u32At(bytes, 0) === 1 && u32At(bytes, 4) === KDSK_MAGIC,
    decode: decodeGroupKeyIdentifier,
    describe: ({ rootKeyId, l0, l1, l2, domain }) => ({
      summary: `Names the group key ${l0}, ${l1}, ${l2} under root key ${rootKeyId} of ${domain}.`,
    }),
  }),
  formatReader({
    id: 'group-key-envelope',
    what: 'GroupKeyEnvelope',
    detect: ({ bytes }) => u32At(bytes, 0) === 1 && u32At(bytes, 4) === KDSK_MAGIC,
    decode: decodeGroupKeyEnvelope,
    describe: ({ rootKeyId, l0, l1, l2 }) => ({
      summary: `A group key, ${l0}, ${l1}, ${l2} under root key ${rootKeyId}, not encrypted.`,
      notes: [
        warning(
          'KEY_IN_THE_CLEAR',
          'The group key is not encrypted: it opens what is protected for its group.',
        ),
      ],
    }),
  }),
];
