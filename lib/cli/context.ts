/** CommandContext: what a command has at hand while it runs. */
import type { Command } from 'commander';
import type { AskSecret } from '../session-key-store/types.ts';
import { decodeUtf8 } from '../bytes/octets.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import type { Failures } from './errors.ts';
import type { GlobalOptions } from './options.ts';
import { Output } from './output.ts';
import {
  isSecretGiven,
  readSecret,
  type EnvironmentSecrets,
  type SecretRequest,
} from './secrets.ts';

/** What lasts for the whole run of the program. */
export interface Invocation {
  readonly failures: Failures;
  readonly environmentSecrets: EnvironmentSecrets;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export class CommandContext<O extends object = object> implements Disposable {
  readonly options: GlobalOptions & O;
  readonly output: Output;
  readonly failures: Failures;
  readonly signal: AbortSignal;
  readonly #environment: EnvironmentSecrets;
  readonly #passphrase = remembered(() =>
    this.readSecret({
      name: 'passphrase',
      prompt: 'Passphrase of the container',
      file: this.options.passphraseFile,
    }),
  );

  readonly #pin = remembered(() =>
    this.readSecret({ name: 'PIN', prompt: 'PIN of the token', file: this.options.pinFile }),
  );

  constructor({ failures, environmentSecrets, signal }: Invocation, options: GlobalOptions & O) {
    this.options = options;
    this.output = new Output(options);
    this.failures = failures;
    this.signal = signal;
    this.#environment = environmentSecrets;
  }

  /** One secret, from file, environment or prompt. */
  readSecret(request: SecretRequest): Promise<SecretBytes> {
    return readSecret(request, this.#sources);
  }

  /** KEYCASK_STORE_URL: where the database of the home is. */
  get storeUrl(): string | undefined {
    const url = this.#environment['store URL'];
    return url && decodeUtf8(url.bytes);
  }

  /** Is there a secret to be read without asking anybody? */
  isSecretGiven(request: Pick<SecretRequest, 'name' | 'file'>): boolean {
    return isSecretGiven(request, this.#sources);
  }

  /** How the store asks for the passphrase of the container; it may, several times. */
  readonly askPassphrase: AskSecret = () => this.#passphrase.ask();

  /** How the store asks for the PIN of a token; it may, several times. */
  readonly askPin: AskSecret = () => this.#pin.ask();

  /**
   * Reports a failure of one of many, and goes on.
   *
   * @param subject - What failed: `{ source }`, and with it perhaps what it belongs to.
   */
  fail(error: unknown, subject: Record<string, string>): void {
    const [name, ...belongings] = Object.values(subject);
    this.output.failure(subject, this.failures.report(error, name, belongings));
  }

  [Symbol.dispose](): void {
    this.#passphrase[Symbol.dispose]();
    this.#pin[Symbol.dispose]();
  }

  get #sources() {
    return {
      environment: this.#environment,
      signal: this.signal,
      warn: (message: string) => this.failures.warn(message),
    };
  }
}

/** A command's action: its context, then its arguments in order. */
export type Action<O extends object> = (
  context: CommandContext<O>,
  // oxlint-disable-next-line typescript/no-explicit-any -- commander's arguments: strings, or arrays of them for the last
  ...args: any[]
) => Promise<void>;

/** Makes of it what commander calls. */
export function action<O extends object>(invocation: Invocation, run: Action<O>) {
  return async (...args: unknown[]): Promise<void> => {
    const command = args.at(-1) as Command;
    using context = new CommandContext<O>(invocation, command.optsWithGlobals());
    await run(context, ...command.processedArgs);
  };
}

/** A secret that is asked for once, however often the store needs it; wiped at the end. */
export interface RememberedSecret extends Disposable {
  /** A copy, which whoever asks disposes of. */
  readonly ask: AskSecret;
}

export function remembered(read: AskSecret): RememberedSecret {
  let first: Promise<SecretBytes> | undefined;
  return {
    ask: async () => SecretBytes.copy((await (first ??= read())).bytes),
    [Symbol.dispose]: () => {
      first?.then(
        (secret) => secret.dispose(),
        () => undefined,
      );
    },
  };
}
