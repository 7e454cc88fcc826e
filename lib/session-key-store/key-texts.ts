/** What people and programs write into a key's metadata: label, purpose, attributes. */
import { decodeUtf8, encodeUtf8 } from '../bytes/octets.ts';
import { METADATA_LIMITS } from '../cms/metadata.ts';
import { KeyStoreError } from '../errors.ts';
import type { CreateKeyOptions } from './types.ts';

/** @throws KeyStoreError PARAMETER_INVALID for texts that no reader of a record would accept. */
export function checkTexts(
  label: string,
  purpose: string,
  attributes: CreateKeyOptions['attributes'] = [],
): void {
  checkText('label', label, METADATA_LIMITS.label);
  if (label === '') throw new KeyStoreError('PARAMETER_INVALID', 'the label is empty');
  checkText('purpose', purpose, METADATA_LIMITS.purpose);
  if (attributes.length > METADATA_LIMITS.attributes)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `a key has at most ${METADATA_LIMITS.attributes} attributes`,
    );
  for (const [name, value] of attributes) {
    checkText('attribute name', name, METADATA_LIMITS.attributeName);
    checkText(`attribute ${name}`, value, METADATA_LIMITS.attributeValue);
  }
}

/** @throws KeyStoreError PARAMETER_INVALID where a text could not be written, or would speak to a terminal. */
export function checkText(what: string, text: string, maxBytes: number): void {
  // As nearly all of them are: well-formed, and as many bytes as characters.
  if (text.length <= maxBytes && PRINTABLE_ASCII.test(text)) return;
  if (Buffer.byteLength(text) > maxBytes)
    throw new KeyStoreError('PARAMETER_INVALID', `the ${what} has more than ${maxBytes} bytes`);
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text))
    throw new KeyStoreError('PARAMETER_INVALID', `the ${what} has control characters`);
  // A lone surrogate would come back as another character.
  if (decodeUtf8(encodeUtf8(text)) !== text)
    throw new KeyStoreError('PARAMETER_INVALID', `the ${what} is not well-formed Unicode`);
}

const PRINTABLE_ASCII = /^[ -~]*$/;
