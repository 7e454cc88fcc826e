/*
 * BCRYPT_ECCKEY_BLOB (bcrypt.h): dwMagic, cbKey, then x, y and for a private key d, big-endian.
 * Material is such a blob.
 */
#include "double.h"

#define HEADER sizeof(BCRYPT_ECCKEY_BLOB)

SECURITY_STATUS ecc_generate(const Algorithm *algorithm, Bytes *material) {
  BCRYPT_ALG_HANDLE provider;
  BCRYPT_KEY_HANDLE key;
  DWORD size = HEADER + 3 * algorithm->curve->bytes, written;
  SECURITY_STATUS status = NTE_INTERNAL_ERROR;
  if (BCryptOpenAlgorithmProvider(&provider, algorithm->name, NULL, 0)) return status;
  if (!BCryptGenerateKeyPair(provider, &key, algorithm->length, 0)) {
    if (!bytes_reserve(material, size)) {
      status = NTE_NO_MEMORY;
    } else if (!BCryptFinalizeKeyPair(key, 0) &&
               !BCryptExportKey(key, NULL, BCRYPT_ECCPRIVATE_BLOB, material->data, size, &written,
                                0) &&
               written == size) {
      status = ERROR_SUCCESS;
    } else {
      bytes_free(material);
    }
    BCryptDestroyKey(key);
  }
  BCryptCloseAlgorithmProvider(provider, 0);
  return status;
}

/** 0 < d < n, and the public half is d times the base point. */
static BOOL has_matching_private(const Curve *curve, const BYTE *x, const BYTE *y, const BYTE *d) {
  BYTE own_x[MAX_CURVE_BYTES], own_y[MAX_CURVE_BYTES];
  if (memcmp(d, curve->n, curve->bytes) >= 0) return FALSE;
  if (!curve_multiply(curve, d, curve->gx, curve->gy, own_x, own_y)) return FALSE;
  return memcmp(own_x, x, curve->bytes) == 0 && memcmp(own_y, y, curve->bytes) == 0;
}

SECURITY_STATUS ecc_blob_import(const BYTE *blob, DWORD size, BOOL validate, Bytes *material,
                                BOOL *is_private, const Algorithm **algorithm) {
  BCRYPT_ECCKEY_BLOB header;
  if (size < HEADER) return NTE_BAD_DATA;
  memcpy(&header, blob, HEADER);
  const Algorithm *found = algorithm_with_magic(header.dwMagic);
  if (!found || !found->curve || header.cbKey != found->curve->bytes) return NTE_BAD_DATA;
  *is_private = header.dwMagic == found->private_magic;
  if (size != HEADER + (*is_private ? 3 : 2) * header.cbKey) return NTE_BAD_DATA;
  const BYTE *x = blob + HEADER, *y = x + header.cbKey, *d = y + header.cbKey;
  if (!curve_has_point(found->curve, x, y)) return NTE_BAD_DATA;
  if (*is_private && validate && !has_matching_private(found->curve, x, y, d)) return NTE_BAD_DATA;
  *algorithm = found;
  return bytes_copy(material, blob, size) ? ERROR_SUCCESS : NTE_NO_MEMORY;
}

SECURITY_STATUS ecc_blob_export(const Algorithm *algorithm, const Bytes *material,
                                BOOL with_private, Bytes *blob) {
  DWORD magic = with_private ? algorithm->private_magic : algorithm->public_magic;
  DWORD size = HEADER + (with_private ? 3 : 2) * algorithm->curve->bytes;
  if (material->size < size) return NTE_INTERNAL_ERROR;
  if (!bytes_copy(blob, material->data, size)) return NTE_NO_MEMORY;
  memcpy(blob->data, &magic, sizeof(magic));
  return ERROR_SUCCESS;
}
