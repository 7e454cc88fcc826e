/** BootSecret: randomness that ends with the boot it was made in, for per-boot keys. */
import type { SecretBytes } from '../../keys/secret-bytes.ts';

/** Where the secret of this boot comes from. The caller owns the answers: 32 bytes each. */
export interface BootSecret {
  /**
   * What was made since the machine started and is here: none, one, or one for each place where such a secret can lie.
   *
   * A key file names the one that it needs by an identifier.
   */
  present(): Promise<readonly SecretBytes[]>;
  /** The secret of this boot for new keys, made if there is none; processes that ask at the same time get the same one. */
  create(): Promise<SecretBytes>;
}
