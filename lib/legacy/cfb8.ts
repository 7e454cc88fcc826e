/** Cipher feedback of 8 bits (FIPS 81; SP 800-38A section 6.3) over a block cipher in ECB mode, for ciphers that OpenSSL does not have it of. */
import type { LegacyCipher } from '../../native-bindings/openssl-legacy.ts';

/**
 * CFB-8: each byte is XORed with the first byte of the encrypted register; then the byte of ciphertext enters the register at its end.
 *
 * A register is the 8 bytes of ciphertext before its byte, so decryption, which has them all, encrypts many registers at once.
 */
export class Cfb8 implements LegacyCipher {
  readonly #ecb: LegacyCipher;
  readonly #encrypt: boolean;
  /** What the next byte's register is. */
  readonly #register: Uint8Array;
  readonly #registers: Uint8Array;
  readonly #keyStream: Uint8Array;

  /** @param ecb - Encrypts; it is disposed of with this. */
  constructor(ecb: LegacyCipher, iv: Uint8Array, encrypt: boolean) {
    this.#ecb = ecb;
    this.#encrypt = encrypt;
    this.#register = Uint8Array.from(iv);
    // Encryption has to wait for each byte.
    const atOnce = encrypt ? 1 : REGISTERS_AT_ONCE;
    this.#registers = new Uint8Array(atOnce * iv.length);
    this.#keyStream = new Uint8Array((atOnce + 1) * iv.length);
  }

  update(input: Uint8Array, output: Uint8Array): number {
    const block = this.#register.length;
    const atOnce = this.#registers.length / block;
    for (let at = 0; at < input.length; at += atOnce) {
      const count = Math.min(atOnce, input.length - at);
      for (let i = 0; i < count; i++) {
        this.#registers.set(this.#register, i * block);
        // The last register's byte of ciphertext is not there yet when encrypting.
        if (!this.#encrypt) this.#shift(input[at + i]!);
      }
      this.#ecb.update(this.#registers.subarray(0, count * block), this.#keyStream);
      for (let i = 0; i < count; i++) output[at + i] = input[at + i]! ^ this.#keyStream[i * block]!;
      if (this.#encrypt) this.#shift(output[at]!);
    }
    return input.length;
  }

  final(): void {
    this.#ecb.final();
  }

  [Symbol.dispose](): void {
    this.#keyStream.fill(0);
    this.#ecb[Symbol.dispose]();
  }

  #shift(ciphertextByte: number): void {
    this.#register.copyWithin(0, 1);
    this.#register[this.#register.length - 1] = ciphertextByte;
  }
}

const REGISTERS_AT_ONCE = 8192;
