/*
 * CryptoAPI's PUBLICKEYBLOB and PRIVATEKEYBLOB of RSA (wincrypt.h): BLOBHEADER, RSAPUBKEY, then
 * little-endian numbers: modulus, and for a private key prime1, prime2, exponent1, exponent2,
 * coefficient, private exponent.
 */
#include "double.h"

#define MAGIC_RSA1 0x31415352
#define MAGIC_RSA2 0x32415352
#define HEADER (sizeof(BLOBHEADER) + sizeof(RSAPUBKEY))

/**
 * A big-endian number, little-endian, with as many bytes as the field has; FALSE when it needs
 * more.
 */
static BOOL put_reversed(BYTE **at, DWORD size, const Bytes *number) {
  for (DWORD i = 0; i < number->size; i += 1) {
    BYTE byte = number->data[number->size - 1 - i];
    if (i < size)
      (*at)[i] = byte;
    else if (byte != 0)
      return FALSE;
  }
  *at += size;
  return TRUE;
}

static void take_reversed(BYTE **to, const BYTE **from, DWORD size) {
  for (DWORD i = 0; i < size; i += 1) (*to)[i] = (*from)[size - 1 - i];
  *to += size;
  *from += size;
}

SECURITY_STATUS capi_blob_export(const Bytes *material, BOOL with_private, DWORD legacy_spec,
                                 Bytes *blob) {
  RsaView view;
  BLOBHEADER header = {0};
  RSAPUBKEY key = {0};
  if (!rsa_view(material, &view)) return NTE_INTERNAL_ERROR;
  DWORD full = view.modulus.size, half = (full + 1) / 2;
  header.bType = with_private ? PRIVATEKEYBLOB : PUBLICKEYBLOB;
  header.bVersion = CUR_BLOB_VERSION;
  header.aiKeyAlg = legacy_spec == AT_SIGNATURE ? CALG_RSA_SIGN : CALG_RSA_KEYX;
  key.magic = with_private ? MAGIC_RSA2 : MAGIC_RSA1;
  key.bitlen = view.bits;
  for (DWORD i = 0; i < view.exponent.size; i += 1) {
    if (key.pubexp >> 24) return NTE_NOT_SUPPORTED;
    key.pubexp = key.pubexp << 8 | view.exponent.data[i];
  }
  if (!bytes_reserve(blob, HEADER + full + (with_private ? 5 * half + full : 0)))
    return NTE_NO_MEMORY;
  memcpy(blob->data, &header, sizeof(header));
  memcpy(blob->data + sizeof(header), &key, sizeof(key));
  BYTE *at = blob->data + HEADER;
  BOOL fits = put_reversed(&at, full, &view.modulus);
  if (with_private) {
    fits = fits && put_reversed(&at, half, &view.prime1) && put_reversed(&at, half, &view.prime2) &&
           put_reversed(&at, half, &view.exponent1) && put_reversed(&at, half, &view.exponent2) &&
           put_reversed(&at, half, &view.coefficient) &&
           put_reversed(&at, full, &view.private_exponent);
  }
  if (fits) return ERROR_SUCCESS;
  bytes_free(blob);
  return NTE_NOT_SUPPORTED;
}

/**
 * As a blob of bcrypt with exponent, modulus and, of a private key, the primes: the rest follows
 * from them.
 */
static SECURITY_STATUS translate(const BYTE *blob, const RSAPUBKEY *key, BOOL is_private,
                                 Bytes *translated) {
  DWORD full = (key->bitlen + 7) / 8, half = (full + 1) / 2;
  BCRYPT_RSAKEY_BLOB header = {is_private ? BCRYPT_RSAPRIVATE_MAGIC : BCRYPT_RSAPUBLIC_MAGIC,
                               key->bitlen,
                               4,
                               full,
                               is_private ? half : 0,
                               is_private ? half : 0};
  while (header.cbPublicExp > 1 && !(key->pubexp >> (8 * (header.cbPublicExp - 1))))
    header.cbPublicExp -= 1;
  if (!bytes_reserve(translated, sizeof(header) + header.cbPublicExp + full + header.cbPrime1 +
                                     header.cbPrime2))
    return NTE_NO_MEMORY;
  memcpy(translated->data, &header, sizeof(header));
  BYTE *to = translated->data + sizeof(header);
  for (DWORD i = header.cbPublicExp; i-- > 0;) *to++ = (BYTE)(key->pubexp >> (8 * i));
  const BYTE *from = blob + HEADER;
  take_reversed(&to, &from, full);
  if (is_private) {
    take_reversed(&to, &from, half);
    take_reversed(&to, &from, half);
  }
  return ERROR_SUCCESS;
}

SECURITY_STATUS capi_blob_import(const BYTE *blob, DWORD size, BOOL validate, Bytes *material,
                                 BOOL *is_private, DWORD *legacy_spec) {
  BLOBHEADER header;
  RSAPUBKEY key;
  Bytes translated = {0};
  if (size < HEADER) return NTE_BAD_DATA;
  memcpy(&header, blob, sizeof(header));
  memcpy(&key, blob + sizeof(header), sizeof(key));
  *is_private = header.bType == PRIVATEKEYBLOB;
  if (!*is_private && header.bType != PUBLICKEYBLOB) return NTE_BAD_DATA;
  if (header.bVersion != CUR_BLOB_VERSION ||
      (header.aiKeyAlg != CALG_RSA_KEYX && header.aiKeyAlg != CALG_RSA_SIGN))
    return NTE_BAD_DATA;
  if (key.magic != (*is_private ? MAGIC_RSA2 : MAGIC_RSA1) || key.bitlen < 512 ||
      key.bitlen > 16384)
    return NTE_BAD_DATA;
  DWORD full = (key.bitlen + 7) / 8, half = (full + 1) / 2;
  if (size != HEADER + full + (*is_private ? 5 * half + full : 0)) return NTE_BAD_DATA;
  SECURITY_STATUS status = translate(blob, &key, *is_private, &translated);
  if (status != ERROR_SUCCESS) return status;
  *legacy_spec = header.aiKeyAlg == CALG_RSA_SIGN ? AT_SIGNATURE : AT_KEYEXCHANGE;
  status = rsa_blob_import(translated.data, translated.size, validate, material, is_private);
  bytes_free(&translated);
  return status;
}
