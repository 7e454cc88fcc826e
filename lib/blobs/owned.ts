/** Whose memory decoded private keys are: `lib/bytes/owned.ts`, by the name that this room knows it by. */
export { owned } from '../bytes/owned.ts';
