/* ECDSA with raw r || s: signing on our own curve, since Wine imports no private ECDSA P-384 key; verifying by bcrypt. */
#include "double.h"

#define LIMBS (MAX_CURVE_BYTES / 8)
#define HEADER sizeof(BCRYPT_ECCKEY_BLOB)

/** The leftmost bits of a hash as a number below n; both curves' orders have whole bytes. */
static void read_hash(const Modulus *n, uint64_t *number, const BYTE *hash, DWORD size, DWORD bytes) {
  number_read(number, n->limbs, hash, size < bytes ? size : bytes);
  mod_reduce(n, number);
}

SECURITY_STATUS ecdsa_sign(const Key *key, const BYTE *hash, DWORD size, BYTE *signature) {
  const Curve *curve = key->algorithm->curve;
  DWORD bytes = curve->bytes;
  const BYTE *d = key->material.data + HEADER + 2 * bytes;
  Modulus n;
  BYTE nonce[MAX_CURVE_BYTES], x[MAX_CURVE_BYTES], y[MAX_CURVE_BYTES], exponent[MAX_CURVE_BYTES];
  uint64_t k[LIMBS], r[LIMBS], s[LIMBS], z[LIMBS];
  if (!modulus_set(&n, curve->n, bytes)) return NTE_INTERNAL_ERROR;
  /* 1/k = k^(n-2); neither order ends in 0 or 1. */
  memcpy(exponent, curve->n, bytes);
  exponent[bytes - 1] -= 2;
  for (;;) {
    if (BCryptGenRandom(NULL, nonce, bytes, BCRYPT_USE_SYSTEM_PREFERRED_RNG)) return NTE_INTERNAL_ERROR;
    number_read(k, n.limbs, nonce, bytes);
    if (number_is_zero(k, n.limbs) || number_compare(k, n.n, n.limbs) >= 0) continue;
    if (!curve_multiply(curve, nonce, curve->gx, curve->gy, x, y)) continue;
    number_read(r, n.limbs, x, bytes);
    mod_reduce(&n, r);
    if (number_is_zero(r, n.limbs)) continue;
    number_write(r, n.limbs, signature, bytes);
    /* s = (z + r d) / k */
    read_hash(&n, z, hash, size, bytes);
    number_read(s, n.limbs, d, bytes);
    mod_enter(&n, z, z);
    mod_enter(&n, s, s);
    mod_enter(&n, r, r);
    mod_enter(&n, k, k);
    mod_multiply(&n, s, s, r);
    mod_add(&n, s, s, z);
    mod_power(&n, k, k, exponent, bytes);
    mod_multiply(&n, s, s, k);
    mod_leave(&n, s, s);
    if (number_is_zero(s, n.limbs)) continue;
    number_write(s, n.limbs, signature + bytes, bytes);
    SecureZeroMemory(nonce, sizeof(nonce));
    SecureZeroMemory(k, sizeof(k));
    return ERROR_SUCCESS;
  }
}

SECURITY_STATUS ecdsa_verify(const Key *key, const BYTE *hash, DWORD size, const BYTE *signature, DWORD signature_size) {
  BCRYPT_ALG_HANDLE provider;
  BCRYPT_KEY_HANDLE public_key;
  Bytes blob;
  if (signature_size != 2 * key->algorithm->curve->bytes) return NTE_BAD_SIGNATURE;
  SECURITY_STATUS status = ecc_blob_export(key->algorithm, &key->material, FALSE, &blob);
  if (status != ERROR_SUCCESS) return status;
  status = NTE_INTERNAL_ERROR;
  if (!BCryptOpenAlgorithmProvider(&provider, key->algorithm->name, NULL, 0)) {
    if (!BCryptImportKeyPair(provider, NULL, BCRYPT_ECCPUBLIC_BLOB, &public_key, blob.data, blob.size, 0)) {
      NTSTATUS done = BCryptVerifySignature(public_key, NULL, (BYTE *)hash, size, (BYTE *)signature, signature_size, 0);
      status = done ? NTE_BAD_SIGNATURE : ERROR_SUCCESS;
      BCryptDestroyKey(public_key);
    }
    BCryptCloseAlgorithmProvider(provider, 0);
  }
  bytes_free(&blob);
  return status;
}
