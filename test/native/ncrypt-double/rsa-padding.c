/* PKCS #1 v1.5 encryption blocks and OAEP (RFC 8017, 7.1 and 7.2). Not constant in time. */
#include "double.h"

static BOOL random_bytes(BYTE *data, DWORD size) {
  return BCryptGenRandom(NULL, data, size, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0;
}

/* 00 02 nonzero padding, at least 8 bytes, 00 data */
BOOL pkcs1_pad(BYTE *block, DWORD size, const BYTE *data, DWORD length) {
  if (size < 11 || length > size - 11) return FALSE;
  DWORD end = size - length - 1;
  for (DWORD i = 2; i < end; i += 1) {
    do {
      if (!random_bytes(&block[i], 1)) return FALSE;
    } while (block[i] == 0);
  }
  block[0] = 0;
  block[1] = 2;
  block[end] = 0;
  if (length > 0) memcpy(block + end + 1, data, length);
  return TRUE;
}

BOOL pkcs1_unpad(const BYTE *block, DWORD size, const BYTE **data, DWORD *length) {
  DWORD end = 2;
  if (size < 11 || block[0] != 0 || block[1] != 2) return FALSE;
  while (end < size && block[end] != 0) end += 1;
  if (end < 10 || end == size) return FALSE;
  *data = block + end + 1;
  *length = size - end - 1;
  return TRUE;
}

/** target ^= MGF1(seed), with the hash of the label. */
static BOOL mask(const WCHAR *algorithm, const BYTE *seed, DWORD seed_size, BYTE *target,
                 DWORD size) {
  DWORD step = hash_size(algorithm);
  for (DWORD done = 0, counter = 0; done < size; done += step, counter += 1) {
    BYTE number[4] = {(BYTE)(counter >> 24), (BYTE)(counter >> 16), (BYTE)(counter >> 8),
                      (BYTE)counter};
    BYTE output[MAX_HASH_BYTES];
    Bytes parts[] = {{(BYTE *)seed, seed_size}, {number, sizeof(number)}};
    if (!hash_parts(algorithm, NULL, parts, ARRAYSIZE(parts), output)) return FALSE;
    for (DWORD i = 0; i < step && done + i < size; i += 1) target[done + i] ^= output[i];
  }
  return TRUE;
}

static BOOL hash_label(const BCRYPT_OAEP_PADDING_INFO *info, BYTE *output) {
  Bytes label = {info->pbLabel, info->cbLabel};
  return hash_parts(info->pszAlgId, NULL, &label, 1, output);
}

/* 00 masked seed, masked (hash of label, zeros, 01, data) */
BOOL oaep_pad(BYTE *block, DWORD size, const BYTE *data, DWORD length,
              const BCRYPT_OAEP_PADDING_INFO *info) {
  DWORD hash = hash_size(info->pszAlgId);
  if (hash == 0 || size < 2 * hash + 2 || length > size - 2 * hash - 2) return FALSE;
  BYTE *seed = block + 1, *body = block + 1 + hash;
  DWORD body_size = size - 1 - hash;
  memset(block, 0, size);
  if (!hash_label(info, body) || !random_bytes(seed, hash)) return FALSE;
  block[size - length - 1] = 1;
  if (length > 0) memcpy(block + size - length, data, length);
  return mask(info->pszAlgId, seed, hash, body, body_size) &&
         mask(info->pszAlgId, body, body_size, seed, hash);
}

BOOL oaep_unpad(BYTE *block, DWORD size, const BYTE **data, DWORD *length,
                const BCRYPT_OAEP_PADDING_INFO *info) {
  BYTE label[MAX_HASH_BYTES];
  DWORD hash = hash_size(info->pszAlgId);
  if (hash == 0 || size < 2 * hash + 2 || block[0] != 0 || !hash_label(info, label)) return FALSE;
  BYTE *seed = block + 1, *body = block + 1 + hash;
  DWORD body_size = size - 1 - hash;
  if (!mask(info->pszAlgId, body, body_size, seed, hash) ||
      !mask(info->pszAlgId, seed, hash, body, body_size))
    return FALSE;
  if (memcmp(body, label, hash) != 0) return FALSE;
  DWORD at = hash;
  while (at < body_size && body[at] == 0) at += 1;
  if (at == body_size || body[at] != 1) return FALSE;
  *data = body + at + 1;
  *length = body_size - at - 1;
  return TRUE;
}
