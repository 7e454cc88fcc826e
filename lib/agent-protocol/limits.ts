/** Bounds of what travels between an agent and its clients. Each is checked before anything of that size is allocated. */

export const PROTOCOL_LIMITS = {
  /** Bytes of a frame's body: a record, or a custom property of 1 MiB, and what is around it. */
  body: (1 << 20) + (64 << 10),
  /** Before the hello exchange: a stranger may not make the agent wait for more. */
  helloBody: 1024,
  /** Arrays and maps inside each other. */
  depth: 6,
  /** Elements of an array. */
  elements: 256,
  /** Fields of a map. */
  fields: 32,
  /** Characters of a text; a key's name has at most 260. */
  text: 4096,
  /** Keys in one page of a listing. */
  keysInPage: 128,
  /** Bytes that name a session or an agent. */
  identity: 16,
  /** PKCS#8 of an RSA-16384 key has under 10 KiB. */
  privateKey: 16 << 10,
  passphrase: 4096,
  /** RSA-16384, a BLOBHEADER and an ALG_ID; callers of CryptExportKey stored whole buffers. */
  legacyBlob: 4096,
} as const;
