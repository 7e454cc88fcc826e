/*
 * BCRYPT_RSAKEY_BLOB (bcrypt.h): Magic, BitLength, cbPublicExp, cbModulus, cbPrime1, cbPrime2, then
 * big-endian numbers. Material of a private RSA key is the full private form; of a public one the
 * public form.
 */
#include "double.h"

static Bytes take(const BYTE *blob, DWORD *at, DWORD size) {
  Bytes part = {(BYTE *)blob + *at, size};
  *at += size;
  return part;
}

BOOL rsa_view(const Bytes *material, RsaView *view) {
  BCRYPT_RSAKEY_BLOB header;
  DWORD at = sizeof(header);
  memset(view, 0, sizeof(*view));
  if (material->size < sizeof(header)) return FALSE;
  memcpy(&header, material->data, sizeof(header));
  if (header.BitLength < 512 || header.BitLength > 16384 ||
      header.cbModulus != (header.BitLength + 7) / 8)
    return FALSE;
  if (header.cbPublicExp == 0 || header.cbPublicExp > header.cbModulus) return FALSE;
  BOOL has_primes =
      header.Magic == BCRYPT_RSAPRIVATE_MAGIC || header.Magic == BCRYPT_RSAFULLPRIVATE_MAGIC;
  if (!has_primes && header.Magic != BCRYPT_RSAPUBLIC_MAGIC) return FALSE;
  if (!has_primes && (header.cbPrime1 != 0 || header.cbPrime2 != 0)) return FALSE;
  if (has_primes && (header.cbPrime1 == 0 || header.cbPrime2 == 0)) return FALSE;
  if (header.cbPrime1 > header.cbModulus || header.cbPrime2 > header.cbModulus) return FALSE;
  DWORD size =
      sizeof(header) + header.cbPublicExp + header.cbModulus + header.cbPrime1 + header.cbPrime2;
  if (header.Magic == BCRYPT_RSAFULLPRIVATE_MAGIC)
    size += 2 * header.cbPrime1 + header.cbPrime2 + header.cbModulus;
  if (material->size != size) return FALSE;
  view->bits = header.BitLength;
  view->exponent = take(material->data, &at, header.cbPublicExp);
  view->modulus = take(material->data, &at, header.cbModulus);
  view->prime1 = take(material->data, &at, header.cbPrime1);
  view->prime2 = take(material->data, &at, header.cbPrime2);
  if (header.Magic == BCRYPT_RSAFULLPRIVATE_MAGIC) {
    view->exponent1 = take(material->data, &at, header.cbPrime1);
    view->exponent2 = take(material->data, &at, header.cbPrime2);
    view->coefficient = take(material->data, &at, header.cbPrime1);
    view->private_exponent = take(material->data, &at, header.cbModulus);
  }
  return TRUE;
}

static SECURITY_STATUS export_full(BCRYPT_KEY_HANDLE key, Bytes *material) {
  DWORD size;
  if (BCryptExportKey(key, NULL, BCRYPT_RSAFULLPRIVATE_BLOB, NULL, 0, &size, 0))
    return NTE_INTERNAL_ERROR;
  if (!bytes_reserve(material, size)) return NTE_NO_MEMORY;
  if (!BCryptExportKey(key, NULL, BCRYPT_RSAFULLPRIVATE_BLOB, material->data, size, &size, 0))
    return ERROR_SUCCESS;
  bytes_free(material);
  return NTE_INTERNAL_ERROR;
}

SECURITY_STATUS rsa_generate(DWORD bits, Bytes *material) {
  BCRYPT_ALG_HANDLE provider;
  BCRYPT_KEY_HANDLE key;
  SECURITY_STATUS status = NTE_INTERNAL_ERROR;
  if (BCryptOpenAlgorithmProvider(&provider, BCRYPT_RSA_ALGORITHM, NULL, 0)) return status;
  if (!BCryptGenerateKeyPair(provider, &key, bits, 0)) {
    if (!BCryptFinalizeKeyPair(key, 0)) status = export_full(key, material);
    BCryptDestroyKey(key);
  }
  BCryptCloseAlgorithmProvider(provider, 0);
  return status;
}

/** bcrypt calculates what a private blob with nothing but the primes lacks. */
static SECURITY_STATUS complete(const BYTE *blob, DWORD size, Bytes *material) {
  BCRYPT_ALG_HANDLE provider;
  BCRYPT_KEY_HANDLE key;
  SECURITY_STATUS status = NTE_BAD_DATA;
  if (BCryptOpenAlgorithmProvider(&provider, BCRYPT_RSA_ALGORITHM, NULL, 0))
    return NTE_INTERNAL_ERROR;
  if (!BCryptImportKeyPair(provider, NULL, BCRYPT_RSAPRIVATE_BLOB, &key, (BYTE *)blob, size, 0)) {
    status = export_full(key, material);
    BCryptDestroyKey(key);
  }
  BCryptCloseAlgorithmProvider(provider, 0);
  return status;
}

/** Whether the private exponent undoes the public one. */
static BOOL is_consistent(const RsaView *view) {
  BYTE *number = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, 2 * MAX_RSA_BYTES);
  if (!number) return FALSE;
  BYTE *result = number + MAX_RSA_BYTES;
  DWORD size = view->modulus.size;
  number[size - 1] = 0x53;
  number[size / 2] = 0x35;
  BOOL same = rsa_raw(view, &view->exponent, number, size, result) &&
              rsa_raw(view, &view->private_exponent, result, size, result) &&
              memcmp(result, number, size) == 0;
  HeapFree(GetProcessHeap(), 0, number);
  return same;
}

SECURITY_STATUS rsa_blob_import(const BYTE *blob, DWORD size, BOOL validate, Bytes *material,
                                BOOL *is_private) {
  Bytes given = {(BYTE *)blob, size};
  RsaView view;
  if (!rsa_view(&given, &view)) return NTE_BAD_DATA;
  /* The top bit that BitLength names has to be set, and the number has to be odd. */
  BYTE top = (BYTE)(1 << ((view.bits - 1) % 8));
  if (view.modulus.data[0] < top || (view.modulus.data[0] & ~(2 * top - 1))) return NTE_BAD_DATA;
  if (!(view.modulus.data[view.modulus.size - 1] & 1)) return NTE_BAD_DATA;
  *is_private = view.prime1.size > 0;
  if (*is_private && view.private_exponent.size == 0) {
    SECURITY_STATUS status = complete(blob, size, material);
    if (status != ERROR_SUCCESS) return status;
  } else if (!bytes_copy(material, blob, size)) {
    return NTE_NO_MEMORY;
  }
  if (!*is_private || !validate) return ERROR_SUCCESS;
  if (rsa_view(material, &view) && is_consistent(&view)) return ERROR_SUCCESS;
  bytes_free(material);
  return NTE_BAD_DATA;
}

SECURITY_STATUS rsa_blob_export(const Bytes *material, DWORD magic, Bytes *blob) {
  BCRYPT_RSAKEY_BLOB header;
  RsaView view;
  if (!rsa_view(material, &view)) return NTE_INTERNAL_ERROR;
  DWORD size = sizeof(header) + view.exponent.size + view.modulus.size;
  if (magic == BCRYPT_RSAPRIVATE_MAGIC) size += view.prime1.size + view.prime2.size;
  if (magic == BCRYPT_RSAFULLPRIVATE_MAGIC) size = material->size;
  if (!bytes_copy(blob, material->data, size)) return NTE_NO_MEMORY;
  memcpy(&header, blob->data, sizeof(header));
  header.Magic = magic;
  if (magic == BCRYPT_RSAPUBLIC_MAGIC) header.cbPrime1 = header.cbPrime2 = 0;
  memcpy(blob->data, &header, sizeof(header));
  return ERROR_SUCCESS;
}
