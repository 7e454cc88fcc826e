/** Csp: a cryptographic service provider of CryptoAPI, and contexts of its key containers. */
import type { Advapi32 } from '../../../native-bindings/advapi32.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import {
  CRYPT_DELETEKEYSET,
  CRYPT_IMPL_HARDWARE,
  CRYPT_MACHINE_KEYSET,
  CRYPT_NEWKEYSET,
  CRYPT_SILENT,
  CRYPT_VERIFYCONTEXT,
  PP_IMPTYPE,
} from '../../../native-bindings/wincrypt.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { ALG_ID } from '../../blobs/alg-id.ts';
import type { KeyScope } from '../../contracts/provider.ts';
import { machineContainersOfWine } from './wine-list.ts';

export interface CspOptions {
  /** PROV_RSA_AES or PROV_RSA_FULL. */
  readonly type: number;
  readonly name: string;
  /** What Wine's CSP does otherwise is in `wine-*.ts`. */
  readonly isWine: boolean;
}

/** What a CSP says of itself. */
export interface CspFacts {
  readonly algIds: ReadonlySet<number>;
  /** Of exchange keys, in bits. */
  readonly rsaBits: { readonly min: number; readonly max: number };
  readonly isHardware: boolean;
}

export interface ContextOptions {
  readonly scope: KeyScope;
  readonly silent: boolean;
}

/** Contexts are the caller's to release. What a call fails with names it and has its number. */
export class Csp {
  readonly api: Advapi32;
  readonly name: string;
  readonly isWine: boolean;
  readonly #type: number;

  constructor(api: Advapi32, { type, name, isWine }: CspOptions) {
    this.api = api;
    this.name = name;
    this.isWine = isWine;
    this.#type = type;
  }

  open(container: string, options: ContextOptions): Handle {
    return this.#acquire(container, options, 0);
  }

  /** Makes an empty container. */
  create(container: string, options: ContextOptions): Handle {
    return this.#acquire(container, options, CRYPT_NEWKEYSET);
  }

  /** Deletes a container with the keys of both slots. */
  deleteContainer(container: string, options: ContextOptions): void {
    // Its handle is none: there is nothing to release.
    this.#acquire(container, options, CRYPT_DELETEKEYSET);
  }

  /** A context without a container: keys that are made in it are gone with it. */
  openEphemeral(options: ContextOptions): Handle {
    return this.#acquire(null, options, CRYPT_VERIFYCONTEXT);
  }

  release(context: Handle): void {
    this.api.cryptReleaseContext(context);
  }

  /** Names of the containers that this account can see: Windows leaves out those that it may not read. None by a CSP without a list. */
  containers(scope: KeyScope): string[] {
    try {
      return this.#withEphemeral(scope, (context) =>
        this.isWine && scope === 'machine'
          ? machineContainersOfWine(this.api, context)
          : this.api.enumContainers(context),
      );
    } catch (error) {
      if (hasStatus(error, ...NOT_IN_THIS_CSP)) return [];
      throw error;
    }
  }

  facts(): CspFacts {
    return this.#withEphemeral('user', (context) => {
      const algorithms = this.api.enumAlgorithms(context);
      const exchange = algorithms.find(({ algId }) => algId === ALG_ID.CALG_RSA_KEYX);
      const type = this.api.cryptGetProvParam(context, PP_IMPTYPE);
      return {
        algIds: new Set(algorithms.map(({ algId }) => algId)),
        rsaBits: { min: exchange?.minLength ?? 0, max: exchange?.maxLength ?? 0 },
        isHardware: (readDword(type) & CRYPT_IMPL_HARDWARE) !== 0,
      };
    });
  }

  #withEphemeral<Result>(scope: KeyScope, work: (context: Handle) => Result): Result {
    const context = this.openEphemeral({ scope, silent: true });
    try {
      return work(context);
    } finally {
      this.release(context);
    }
  }

  #acquire(container: string | null, { scope, silent }: ContextOptions, flags: number): Handle {
    const all =
      flags | (scope === 'machine' ? CRYPT_MACHINE_KEYSET : 0) | (silent ? CRYPT_SILENT : 0);
    return this.api.cryptAcquireContext(container, this.name, this.#type, all >>> 0);
  }
}

/** What a CSP says of a parameter that it does not have. */
export const NOT_IN_THIS_CSP = [WINDOWS_STATUS.NTE_BAD_TYPE, WINDOWS_STATUS.NTE_NOT_SUPPORTED];

/** A DWORD that CryptoAPI wrote. */
export function readDword(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
}
