/*
 * ECDSA with raw r || s, on our own curve: Wine's bcrypt imports no private P-384 key and verifies
 * no hash that is longer than n.
 */
#include "double.h"

#define LIMBS (MAX_CURVE_BYTES / 8)
#define HEADER sizeof(BCRYPT_ECCKEY_BLOB)

/** The leftmost bits of a hash as a number below n; both curves' orders have whole bytes. */
static void read_hash(const Modulus *n, uint64_t *number, const BYTE *hash, DWORD size,
                      DWORD bytes) {
  number_read(number, n->limbs, hash, size < bytes ? size : bytes);
  mod_reduce(n, number);
}

/** a = 1/a = a^(n-2), in Montgomery form; neither order ends in 0 or 1. */
static void invert(const Modulus *n, const Curve *curve, uint64_t *a) {
  BYTE exponent[MAX_CURVE_BYTES];
  memcpy(exponent, curve->n, curve->bytes);
  exponent[curve->bytes - 1] -= 2;
  mod_power(n, a, a, exponent, curve->bytes);
}

SECURITY_STATUS ecdsa_sign(const Key *key, const BYTE *hash, DWORD size, BYTE *signature) {
  const Curve *curve = key->algorithm->curve;
  DWORD bytes = curve->bytes;
  const BYTE *d = key->material.data + HEADER + 2 * bytes;
  Modulus n;
  BYTE nonce[MAX_CURVE_BYTES], x[MAX_CURVE_BYTES], y[MAX_CURVE_BYTES];
  uint64_t k[LIMBS], r[LIMBS], s[LIMBS], z[LIMBS];
  if (!modulus_set(&n, curve->n, bytes)) return NTE_INTERNAL_ERROR;
  for (;;) {
    if (BCryptGenRandom(NULL, nonce, bytes, BCRYPT_USE_SYSTEM_PREFERRED_RNG))
      return NTE_INTERNAL_ERROR;
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
    invert(&n, curve, k);
    mod_multiply(&n, s, s, k);
    mod_leave(&n, s, s);
    if (number_is_zero(s, n.limbs)) continue;
    number_write(s, n.limbs, signature + bytes, bytes);
    SecureZeroMemory(nonce, sizeof(nonce));
    SecureZeroMemory(k, sizeof(k));
    return ERROR_SUCCESS;
  }
}

/** 0 < number < n */
static BOOL read_scalar(const Modulus *n, uint64_t *number, const BYTE *bytes, DWORD size) {
  number_read(number, n->limbs, bytes, size);
  return !number_is_zero(number, n->limbs) && number_compare(number, n->n, n->limbs) < 0;
}

SECURITY_STATUS ecdsa_verify(const Key *key, const BYTE *hash, DWORD size, const BYTE *signature,
                             DWORD signature_size) {
  const Curve *curve = key->algorithm->curve;
  DWORD bytes = curve->bytes;
  const BYTE *qx = key->material.data + HEADER, *qy = qx + bytes;
  Modulus n;
  BYTE u1[MAX_CURVE_BYTES], u2[MAX_CURVE_BYTES], x[MAX_CURVE_BYTES], y[MAX_CURVE_BYTES];
  uint64_t r[LIMBS], s[LIMBS], z[LIMBS], u[LIMBS];
  if (!modulus_set(&n, curve->n, bytes)) return NTE_INTERNAL_ERROR;
  if (signature_size != 2 * bytes || !read_scalar(&n, r, signature, bytes) ||
      !read_scalar(&n, s, signature + bytes, bytes)) {
    return NTE_BAD_SIGNATURE;
  }
  read_hash(&n, z, hash, size, bytes);
  mod_enter(&n, s, s);
  invert(&n, curve, s);
  /* Times a number that has not entered: the product has left. */
  mod_multiply(&n, u, s, z);
  number_write(u, n.limbs, u1, bytes);
  mod_multiply(&n, u, s, r);
  number_write(u, n.limbs, u2, bytes);
  if (!curve_combine(curve, u1, u2, qx, qy, x, y)) return NTE_BAD_SIGNATURE;
  number_read(u, n.limbs, x, bytes);
  mod_reduce(&n, u);
  return number_compare(u, r, n.limbs) == 0 ? ERROR_SUCCESS : NTE_BAD_SIGNATURE;
}
