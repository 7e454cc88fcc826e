/** The classes of asn1-cms, loaded when first used: what keycask itself writes needs none of them. */
import type * as Cms from '@peculiar/asn1-cms';
import type * as Schema from '@peculiar/asn1-schema';

/** The libraries, loaded. */
export type Asn1 = readonly [cms: typeof Cms, schema: typeof Schema];

/** Both libraries; node keeps what it has loaded. */
export async function loadAsn1(): Promise<Asn1> {
  return Promise.all([import('@peculiar/asn1-cms'), import('@peculiar/asn1-schema')]);
}

/** The bytes in memory of their own, as these libraries take them. */
export function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
