/** What the blobs' secrets are shown as: `lib/bytes/redacted.ts`, by the name that this room knows it by. */
export { redacted } from '../bytes/redacted.ts';
