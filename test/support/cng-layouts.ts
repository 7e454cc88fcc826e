/** CNG blobs written by hand, field by field: their bytes, what they say, and where each field begins. */
import type { OwnCngBlob } from '../../lib/blobs/index.ts';
import { concatBytes } from '../../lib/bytes/octets.ts';

/** A blob of one layout. */
export interface CngLayoutSample {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly blob: OwnCngBlob;
  /** Each field's name in an error, and where it begins. */
  readonly fields: readonly (readonly [field: string, offset: number])[];
  /** Bytes before the first field that is no number: magic, version and lengths. */
  readonly headerLength: number;
}

/** Bytes that count from `first` on. */
export function numberOf(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);
}

type Field = readonly [name: string, value: Uint8Array | number | string];

/** A number is a ULONG, a text its letters. */
function layout(name: string, blob: OwnCngBlob, fields: readonly Field[]): CngLayoutSample {
  const parts = fields.map(([, value]) => bytesOf(value));
  const offsets = parts.map((_, i) =>
    parts.slice(0, i).reduce((sum, part) => sum + part.length, 0),
  );
  return {
    name,
    bytes: concatBytes(...parts),
    blob,
    headerLength: offsets[fields.findIndex(([, value]) => value instanceof Uint8Array)]!,
    // A field of no bytes cannot be cut.
    fields: fields
      .map(([field], i) => [field, offsets[i]!] as const)
      .filter((_, i) => parts[i]!.length > 0),
  };
}

function bytesOf(value: Uint8Array | number | string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return new Uint8Array(Buffer.from(value, 'latin1'));
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);
}

const utf16 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf16le'));

const KEY = numberOf(16, 0);
const [P, G, Y, X] = [numberOf(64, 1), numberOf(64, 0x41), numberOf(64, 0x81), numberOf(64, 0xb1)];
const [SEED, Q, X20] = [numberOf(20, 1), numberOf(20, 0x21), numberOf(20, 0xd1)];
const DSA_1 = {
  version: 1,
  hashAlgorithm: 'SHA1',
  standardVersion: 'FIPS186-2',
  count: 105,
  seed: SEED,
  q: Q,
  p: P,
  g: G,
} as const;
const COUNT = Uint8Array.of(0, 0, 0, 105);
const P2 = numberOf(136, 1);
const G2 = numberOf(136, 0x41);
const Y2 = numberOf(136, 0x81);
const Q2 = numberOf(28, 0x21);
const SEED2 = numberOf(32, 0x61);
const X2 = numberOf(28, 0xd1);
const DSA_2 = {
  version: 2,
  hashAlgorithm: 'SHA512',
  standardVersion: 'FIPS186-3',
  count: 0xffffffff,
  seed: SEED2,
  q: Q2,
  p: P2,
  g: G2,
} as const;
const NO_COUNT = new Uint8Array(4).fill(0xff);
const f = (first: number): Uint8Array => numberOf(20, first);
const CURVE: readonly Field[] = [
  ['cbFieldLength', 20],
  ['cbSubgroupOrder', 21],
  ['cbCofactor', 1],
  ['cbSeed', 20],
  ['P', f(1)],
  ['A', f(2)],
  ['B', f(3)],
  ['Gx', f(4)],
  ['Gy', f(5)],
  ['n', numberOf(21, 6)],
  ['h', Uint8Array.of(8)],
  ['S', f(7)],
  ['Qx', f(8)],
  ['Qy', f(9)],
];
const CURVE_NUMBERS = {
  p: f(1),
  a: f(2),
  b: f(3),
  gx: f(4),
  gy: f(5),
  order: numberOf(21, 6),
  cofactor: Uint8Array.of(8),
  seed: f(7),
  x: f(8),
  y: f(9),
};
const EK_768 = numberOf(1184, 0);
const SK_44 = numberOf(2560, 0);

/** By hand from bcrypt.h and ncrypt.h. */
export const CNG_LAYOUTS: readonly CngLayoutSample[] = [
  layout('KeyDataBlob', { type: 'KeyDataBlob', key: KEY }, [
    ['dwMagic', 'KDBM'],
    ['dwVersion', 1],
    ['cbKeyData', 16],
    ['keyData', KEY],
  ]),
  layout('CipherKeyBlob', { type: 'CipherKeyBlob', algorithm: 'AES', key: KEY }, [
    ['cbSize', 16],
    ['dwMagic', 'CPHR'],
    ['cbAlgName', 8],
    ['cbKeyData', 28],
    ['algName', utf16('AES\0')],
    ['keyData', concatBytes(bytesOf('KDBM'), bytesOf(1), bytesOf(16), KEY)],
  ]),
  layout('ProtectedKeyBlob', { type: 'ProtectedKeyBlob', algorithm: '3DES_112', content: X20 }, [
    ['cbSize', 16],
    ['dwMagic', 'PRTK'],
    ['cbAlgName', 18],
    ['cbKeyData', 20],
    ['algName', utf16('3DES_112\0')],
    ['keyData', X20],
  ]),
  layout(
    'ECCFULLPUBLICBLOB',
    {
      type: 'ECCFULLPUBLICBLOB',
      algorithm: 'ECDSA',
      curve: 'generic',
      curveType: 'shortWeierstrass',
      curveGenerationAlgId: 0x8004,
      ...CURVE_NUMBERS,
    },
    [
      ['dwMagic', 'ECDP'],
      ['dwVersion', 1],
      ['dwCurveType', 1],
      ['dwCurveGenerationAlgId', 0x8004],
      ...CURVE,
    ],
  ),
  layout(
    'ECCFULLPRIVATEBLOB',
    {
      type: 'ECCFULLPRIVATEBLOB',
      algorithm: 'ECDH',
      curve: 'generic',
      curveType: 'montgomery',
      curveGenerationAlgId: 0,
      ...CURVE_NUMBERS,
      privateKey: numberOf(21, 0x91),
    },
    [
      ['dwMagic', 'ECKV'],
      ['dwVersion', 1],
      ['dwCurveType', 3],
      ['dwCurveGenerationAlgId', 0],
      ...CURVE,
      ['d', numberOf(21, 0x91)],
    ],
  ),
  layout('DSAPUBLICBLOB', { type: 'DSAPUBLICBLOB', ...DSA_1, y: Y }, [
    ['dwMagic', 'DSPB'],
    ['cbKey', 64],
    ['Count', COUNT],
    ['Seed', SEED],
    ['q', Q],
    ['Modulus', P],
    ['Generator', G],
    ['Public', Y],
  ]),
  layout('DSAPRIVATEBLOB', { type: 'DSAPRIVATEBLOB', ...DSA_1, y: Y, x: X20 }, [
    ['dwMagic', 'DSPV'],
    ['cbKey', 64],
    ['Count', COUNT],
    ['Seed', SEED],
    ['q', Q],
    ['Modulus', P],
    ['Generator', G],
    ['Public', Y],
    ['PrivateExponent', X20],
  ]),
  layout('DSAPUBLICBLOB, version 2', { type: 'DSAPUBLICBLOB', ...DSA_2, y: Y2 }, [
    ['dwMagic', 'DPB2'],
    ['cbKey', 136],
    ['hashAlgorithm', 2],
    ['standardVersion', 1],
    ['cbSeedLength', 32],
    ['cbGroupSize', 28],
    ['Count', NO_COUNT],
    ['Seed', SEED2],
    ['q', Q2],
    ['Modulus', P2],
    ['Generator', G2],
    ['Public', Y2],
  ]),
  layout('DSAPRIVATEBLOB, version 2', { type: 'DSAPRIVATEBLOB', ...DSA_2, y: Y2, x: X2 }, [
    ['dwMagic', 'DPV2'],
    ['cbKey', 136],
    ['hashAlgorithm', 2],
    ['standardVersion', 1],
    ['cbSeedLength', 32],
    ['cbGroupSize', 28],
    ['Count', NO_COUNT],
    ['Seed', SEED2],
    ['q', Q2],
    ['Modulus', P2],
    ['Generator', G2],
    ['Public', Y2],
    ['PrivateExponent', X2],
  ]),
  layout('DSAParameters', { type: 'DSAParameters', ...DSA_1 }, [
    ['cbLength', 184],
    ['dwMagic', 'DSPM'],
    ['cbKeyLength', 64],
    ['Count', COUNT],
    ['Seed', SEED],
    ['q', Q],
    ['Modulus', P],
    ['Generator', G],
  ]),
  layout('DSAParameters, version 2', { type: 'DSAParameters', ...DSA_2 }, [
    ['cbLength', 364],
    ['dwMagic', 'DPM2'],
    ['cbKeyLength', 136],
    ['hashAlgorithm', 2],
    ['standardVersion', 1],
    ['cbSeedLength', 32],
    ['cbGroupSize', 28],
    ['Count', NO_COUNT],
    ['Seed', SEED2],
    ['q', Q2],
    ['Modulus', P2],
    ['Generator', G2],
  ]),
  layout('DHPUBLICBLOB', { type: 'DHPUBLICBLOB', p: P, g: G, y: Y }, [
    ['dwMagic', 'DHPB'],
    ['cbKey', 64],
    ['Modulus', P],
    ['Generator', G],
    ['Public', Y],
  ]),
  layout('DHPRIVATEBLOB', { type: 'DHPRIVATEBLOB', p: P, g: G, y: Y, x: X }, [
    ['dwMagic', 'DHPV'],
    ['cbKey', 64],
    ['Modulus', P],
    ['Generator', G],
    ['Public', Y],
    ['PrivateExponent', X],
  ]),
  layout('DHParameters', { type: 'DHParameters', p: P, g: G }, [
    ['cbLength', 140],
    ['dwMagic', 'DHPM'],
    ['cbKeyLength', 64],
    ['Modulus', P],
    ['Generator', G],
  ]),
  layout(
    'MLKEMPUBLICBLOB',
    { type: 'MLKEMPUBLICBLOB', algorithm: 'ML-KEM', parameterSet: '768', key: EK_768 },
    [
      ['dwMagic', 'MLKP'],
      ['cbParameterSet', 8],
      ['cbKey', 1184],
      ['parameterSet', utf16('768\0')],
      ['key', EK_768],
    ],
  ),
  layout(
    'PQDSAPRIVATEBLOB',
    { type: 'PQDSAPRIVATEBLOB', algorithm: 'ML-DSA', parameterSet: '44', key: SK_44 },
    [
      ['dwMagic', 'DSSK'],
      ['cbParameterSet', 6],
      ['cbKey', 2560],
      ['parameterSet', utf16('44\0')],
      ['key', SK_44],
    ],
  ),
];
