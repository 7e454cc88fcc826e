/**
 * Names of keys that other programs keep on a token: their label, or, where several have one label, a URI of the label and the id
 * (RFC 7512): `pkcs11:object=backup;id=%01%02`.
 */
import type { Attribute } from '../../../native-bindings/pkcs11.ts';
import { CKA } from '../../../native-bindings/pkcs11-constants.ts';
import { KeyStoreError } from '../../errors.ts';
import { labelled, type KeyObject } from './key-objects.ts';

/** What an object of that name has. */
export function attributesOfName(name: string): Attribute[] {
  if (!name.startsWith(SCHEME)) return [labelled(name)];
  const attributes: Attribute[] = [];
  for (const part of name.slice(SCHEME.length).split(';')) {
    const [key, value = ''] = part.split(/=(.*)/su);
    if (key === 'object') attributes.push([CKA.LABEL, decodePercent(value)]);
    else if (key === 'id') attributes.push([CKA.ID, decodePercent(value)]);
    else throw malformed(`there is no ${JSON.stringify(key)} in it`);
  }
  return attributes;
}

/** A URI that names one object by its id, and by its label where it has one. */
export function uriOf({ label, id }: Pick<KeyObject, 'label' | 'id'>): string {
  const hex = [...id]
    .map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`)
    .join('');
  const object = label === '' ? [] : [`object=${encodeURIComponent(label)}`];
  return `${SCHEME}${[...object, `id=${hex}`].join(';')}`;
}

function decodePercent(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at)!;
    if (text[at] === '%') {
      const hex = text.slice(at + 1, at + 3);
      if (!/^[0-9a-f]{2}$/iu.test(hex)) throw malformed('a % wants two hexadecimal digits');
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else if (code < 0x80) bytes.push(code);
    else throw malformed('other characters than those of ASCII are written as %XX');
  }
  return Uint8Array.from(bytes);
}

function malformed(problem: string): KeyStoreError {
  return new KeyStoreError(
    'PARAMETER_INVALID',
    `the name of a key on a token, as a URI, is pkcs11:object=LABEL;id=%XX: ${problem}`,
  );
}

const SCHEME = 'pkcs11:';
