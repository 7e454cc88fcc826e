/** Tries a session key on data: as it is, with its bytes reversed, on the data reversed. */
import { reverseBytes, toHex } from '../../bytes/octets.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { blockLengthOf } from '../../legacy/raw-cipher.ts';
import type { OpenedHow } from '../diagnosis.ts';
import {
  searchCipher,
  type CipherFinding,
  type CipherSample,
  type SearchCipherOptions,
} from '../search-cipher.ts';
import type { DataFacts } from './facts.ts';
import type { Trial } from './trial.ts';

/** Data that is to be decrypted. */
export interface DataAtHand extends SearchCipherOptions {
  readonly sample: CipherSample;
}

/** How a key decrypts the data, or does not. */
export interface DataTrial {
  readonly facts: DataFacts;
  readonly how: Partial<OpenedHow>;
  /** {@link CipherFinding.bits} */
  readonly bits: number;
}

/** Whether the IV that was given is as long as a block of this cipher; RC4 has none. */
export function takesIv(algId: number, { iv }: SearchCipherOptions): boolean {
  const block = blockLengthOf(algId);
  return iv === undefined || block === 0 || block === iv.length;
}

/** @param by - Where the key came from, for the trace. */
// oxlint-disable-next-line max-params -- a key, its data, and the trace
export async function tryData(
  key: { readonly algId: number; readonly key: SecretBytes },
  data: DataAtHand,
  trial: Trial,
  by: string,
): Promise<DataTrial | undefined> {
  let best: DataTrial | undefined;
  for (const [keyOrder, dataOrder] of ORDERS) {
    using turned = keyOrder === 'reversed' ? reversed(key.key) : SecretBytes.copy(key.key.bytes);
    const sample = dataOrder === 'reversed' ? reversedSample(data.sample) : data.sample;
    const found = await trial.orTrouble(() =>
      best1(() => searchCipher({ algId: key.algId, key: turned }, sample, data)),
    );
    if (!found) return best;
    using finding = found;
    const tried = trialOf(finding, { keyOrder, dataOrder, size: data.sample.size });
    trial.note({ with: by, cipher: described(tried), opened: isShown(finding) });
    if (isShown(finding)) return tried;
    // Padding alone has more weight for the usual order.
    best ??= tried;
  }
  return best;
}

/** Something other than a padding, which one try in 256 has by accident. */
function isShown({ certainty }: CipherFinding): boolean {
  return certainty === 'known-plaintext' || certainty === 'recognised-content';
}

/** The first; the others are disposed of. */
async function best1(search: () => Promise<CipherFinding[]>): Promise<CipherFinding> {
  const [first, ...others] = await search();
  for (const other of others) other[Symbol.dispose]();
  return first!;
}

function trialOf(
  finding: CipherFinding,
  turned: Pick<DataFacts, 'keyOrder' | 'dataOrder' | 'size'>,
): DataTrial {
  const { key, options, certainty, firstBlock, ivWasFound, ivIsInFront, isPadded, text } = finding;
  const block = blockLengthOf(key.algId);
  const facts: DataFacts = {
    ...turned,
    algId: key.algId,
    block,
    finding: { certainty, firstBlock, ivWasFound, ivIsInFront, isPadded, text },
    ...(options.mode !== undefined && { mode: options.mode }),
    saltLength: key.salt.length,
    effectiveBits: key.effectiveBits,
    keyLength: key.key.length,
  };
  const how: Partial<OpenedHow> = {
    cipher: text,
    ...(options.mode !== undefined && { mode: options.mode }),
    saltLength: key.salt.length,
    effectiveBits: key.effectiveBits,
    ...(options.iv !== undefined && { iv: toHex(options.iv) }),
    keyOrder: turned.keyOrder,
    dataOrder: turned.dataOrder,
    ...(finding.content !== undefined && { content: finding.content }),
    certainty,
  };
  return { facts, how, bits: finding.bits };
}

function described({ facts }: DataTrial): string {
  const { keyOrder, dataOrder, finding } = facts;
  const turned = [
    ...(keyOrder === 'reversed' ? ['key reversed'] : []),
    ...(dataOrder === 'reversed' ? ['data reversed'] : []),
  ];
  return [finding.text, ...turned].join(', ');
}

function reversed({ bytes }: SecretBytes): SecretBytes {
  return SecretBytes.take(reverseBytes(bytes));
}

function reversedSample({ head, tail, size, knownPlaintext }: CipherSample): CipherSample {
  return {
    head: reverseBytes(tail),
    tail: reverseBytes(head),
    size,
    ...(knownPlaintext && { knownPlaintext }),
  };
}

/** Of key and data; the usual one first. */
const ORDERS = [
  ['natural', 'natural'],
  ['reversed', 'natural'],
  ['natural', 'reversed'],
  ['reversed', 'reversed'],
] as const;
