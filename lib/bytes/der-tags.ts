/** Identifier octets of DER (X.690 section 8.1.2) that keycask reads and writes. */

export const TAG = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OBJECT_IDENTIFIER: 0x06,
  ENUMERATED: 0x0a,
  UTF8_STRING: 0x0c,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** `[n]` on a primitive value, IMPLICIT. */
export const contextPrimitive = (n: number): number => 0x80 | n;

/** `[n]` on a constructed value, IMPLICIT, or EXPLICIT on anything. */
export const contextConstructed = (n: number): number => 0xa0 | n;
