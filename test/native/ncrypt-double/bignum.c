/*
 * Numbers modulo an odd number, little-endian limbs of 64 bits, by Montgomery's multiplication.
 * Wine's bcrypt has no bare RSA, no OAEP with SHA-1, and does ECDSA in part: ecdsa.c.
 */
#include "double.h"

typedef unsigned __int128 Wide;

BOOL number_read(uint64_t *a, DWORD limbs, const BYTE *bytes, DWORD size) {
  memset(a, 0, limbs * sizeof(*a));
  for (DWORD i = 0; i < size; i += 1) {
    BYTE byte = bytes[size - 1 - i];
    if (i / 8 >= limbs) {
      if (byte != 0) return FALSE;
    } else {
      a[i / 8] |= (uint64_t)byte << (8 * (i % 8));
    }
  }
  return TRUE;
}

void number_write(const uint64_t *a, DWORD limbs, BYTE *bytes, DWORD size) {
  for (DWORD i = 0; i < size; i += 1) {
    bytes[size - 1 - i] = i / 8 < limbs ? (BYTE)(a[i / 8] >> (8 * (i % 8))) : 0;
  }
}

int number_compare(const uint64_t *a, const uint64_t *b, DWORD limbs) {
  for (DWORD i = limbs; i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

BOOL number_is_zero(const uint64_t *a, DWORD limbs) {
  for (DWORD i = 0; i < limbs; i += 1) {
    if (a[i] != 0) return FALSE;
  }
  return TRUE;
}

/** a -= b; gives the borrow. */
static uint64_t subtract(uint64_t *a, const uint64_t *b, DWORD limbs) {
  uint64_t borrow = 0;
  for (DWORD i = 0; i < limbs; i += 1) {
    Wide difference = (Wide)a[i] - b[i] - borrow;
    a[i] = (uint64_t)difference;
    borrow = (uint64_t)(difference >> 64) & 1;
  }
  return borrow;
}

static uint64_t add(uint64_t *result, const uint64_t *a, const uint64_t *b, DWORD limbs) {
  uint64_t carry = 0;
  for (DWORD i = 0; i < limbs; i += 1) {
    Wide sum = (Wide)a[i] + b[i] + carry;
    result[i] = (uint64_t)sum;
    carry = (uint64_t)(sum >> 64);
  }
  return carry;
}

void mod_reduce(const Modulus *m, uint64_t *a) {
  if (number_compare(a, m->n, m->limbs) >= 0) subtract(a, m->n, m->limbs);
}

void mod_add(const Modulus *m, uint64_t *result, const uint64_t *a, const uint64_t *b) {
  uint64_t carry = add(result, a, b, m->limbs);
  if (carry || number_compare(result, m->n, m->limbs) >= 0) subtract(result, m->n, m->limbs);
}

void mod_subtract(const Modulus *m, uint64_t *result, const uint64_t *a, const uint64_t *b) {
  uint64_t difference[MAX_LIMBS];
  memcpy(difference, a, m->limbs * sizeof(*a));
  if (subtract(difference, b, m->limbs)) add(difference, difference, m->n, m->limbs);
  memcpy(result, difference, m->limbs * sizeof(*result));
}

void mod_multiply(const Modulus *m, uint64_t *result, const uint64_t *a, const uint64_t *b) {
  DWORD limbs = m->limbs;
  uint64_t t[MAX_LIMBS + 2];
  memset(t, 0, (limbs + 2) * sizeof(*t));
  for (DWORD i = 0; i < limbs; i += 1) {
    Wide sum = 0;
    for (DWORD j = 0; j < limbs; j += 1) {
      sum = (Wide)a[j] * b[i] + t[j] + (uint64_t)(sum >> 64);
      t[j] = (uint64_t)sum;
    }
    sum = (Wide)t[limbs] + (uint64_t)(sum >> 64);
    t[limbs] = (uint64_t)sum;
    t[limbs + 1] = (uint64_t)(sum >> 64);
    uint64_t q = t[0] * m->inverse;
    sum = (Wide)q * m->n[0] + t[0];
    for (DWORD j = 1; j < limbs; j += 1) {
      sum = (Wide)q * m->n[j] + t[j] + (uint64_t)(sum >> 64);
      t[j - 1] = (uint64_t)sum;
    }
    sum = (Wide)t[limbs] + (uint64_t)(sum >> 64);
    t[limbs - 1] = (uint64_t)sum;
    t[limbs] = t[limbs + 1] + (uint64_t)(sum >> 64);
  }
  if (t[limbs] || number_compare(t, m->n, limbs) >= 0) subtract(t, m->n, limbs);
  memcpy(result, t, limbs * sizeof(*result));
}

void mod_enter(const Modulus *m, uint64_t *result, const uint64_t *a) {
  mod_multiply(m, result, a, m->r2);
}

void mod_leave(const Modulus *m, uint64_t *result, const uint64_t *a) {
  uint64_t one[MAX_LIMBS];
  memset(one, 0, m->limbs * sizeof(*one));
  one[0] = 1;
  mod_multiply(m, result, a, one);
}

void mod_power(const Modulus *m, uint64_t *result, const uint64_t *base, const BYTE *exponent,
               DWORD size) {
  uint64_t power[MAX_LIMBS], one[MAX_LIMBS];
  memset(one, 0, m->limbs * sizeof(*one));
  one[0] = 1;
  mod_enter(m, power, one);
  for (DWORD i = 0; i < size; i += 1) {
    for (BYTE bit = 0x80; bit; bit >>= 1) {
      mod_multiply(m, power, power, power);
      if (exponent[i] & bit) mod_multiply(m, power, power, base);
    }
  }
  memcpy(result, power, m->limbs * sizeof(*result));
  SecureZeroMemory(power, sizeof(power));
}

BOOL modulus_set(Modulus *m, const BYTE *bytes, DWORD size) {
  while (size > 0 && bytes[0] == 0) {
    bytes += 1;
    size -= 1;
  }
  if (size == 0 || size > MAX_RSA_BYTES || !(bytes[size - 1] & 1)) return FALSE;
  m->limbs = (size + 7) / 8;
  number_read(m->n, m->limbs, bytes, size);
  /* Newton's iteration doubles the bits that are right: 5, 10, 20, 40, 80. */
  uint64_t inverse = (3 * m->n[0]) ^ 2;
  for (int i = 0; i < 4; i += 1) inverse *= 2 - m->n[0] * inverse;
  m->inverse = (uint64_t)0 - inverse;
  /* Doubling 1 as often as R*R has bits. */
  memset(m->r2, 0, m->limbs * sizeof(*m->r2));
  m->r2[0] = 1;
  if (number_compare(m->r2, m->n, m->limbs) >= 0) return FALSE;
  for (DWORD i = 0; i < 2 * 64 * m->limbs; i += 1) mod_add(m, m->r2, m->r2, m->r2);
  return TRUE;
}
