/* Points of P-256 and P-384 (FIPS 186-4, D.1.2), in Jacobian coordinates: x = X/Z^2, y = Y/Z^3. */
#include "double.h"

#define LIMBS (MAX_CURVE_BYTES / 8)

typedef struct Point {
  uint64_t x[LIMBS], y[LIMBS], z[LIMBS]; /* Montgomery form; z = 0 at infinity */
} Point;

static const BYTE P256_P[] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
                              0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const BYTE P256_B[] = {0x5a, 0xc6, 0x35, 0xd8, 0xaa, 0x3a, 0x93, 0xe7, 0xb3, 0xeb, 0xbd,
                              0x55, 0x76, 0x98, 0x86, 0xbc, 0x65, 0x1d, 0x06, 0xb0, 0xcc, 0x53,
                              0xb0, 0xf6, 0x3b, 0xce, 0x3c, 0x3e, 0x27, 0xd2, 0x60, 0x4b};
static const BYTE P256_N[] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                              0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                              0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const BYTE P256_GX[] = {0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6,
                               0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
                               0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96};
static const BYTE P256_GY[] = {0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb,
                               0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31,
                               0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

static const BYTE P384_P[] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff};
static const BYTE P384_B[] = {
    0xb3, 0x31, 0x2f, 0xa7, 0xe2, 0x3e, 0xe7, 0xe4, 0x98, 0x8e, 0x05, 0x6b, 0xe3, 0xf8, 0x2d, 0x19,
    0x18, 0x1d, 0x9c, 0x6e, 0xfe, 0x81, 0x41, 0x12, 0x03, 0x14, 0x08, 0x8f, 0x50, 0x13, 0x87, 0x5a,
    0xc6, 0x56, 0x39, 0x8d, 0x8a, 0x2e, 0xd1, 0x9d, 0x2a, 0x85, 0xc8, 0xed, 0xd3, 0xec, 0x2a, 0xef};
static const BYTE P384_N[] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};
static const BYTE P384_GX[] = {
    0xaa, 0x87, 0xca, 0x22, 0xbe, 0x8b, 0x05, 0x37, 0x8e, 0xb1, 0xc7, 0x1e, 0xf3, 0x20, 0xad, 0x74,
    0x6e, 0x1d, 0x3b, 0x62, 0x8b, 0xa7, 0x9b, 0x98, 0x59, 0xf7, 0x41, 0xe0, 0x82, 0x54, 0x2a, 0x38,
    0x55, 0x02, 0xf2, 0x5d, 0xbf, 0x55, 0x29, 0x6c, 0x3a, 0x54, 0x5e, 0x38, 0x72, 0x76, 0x0a, 0xb7};
static const BYTE P384_GY[] = {
    0x36, 0x17, 0xde, 0x4a, 0x96, 0x26, 0x2c, 0x6f, 0x5d, 0x9e, 0x98, 0xbf, 0x92, 0x92, 0xdc, 0x29,
    0xf8, 0xf4, 0x1d, 0xbd, 0x28, 0x9a, 0x14, 0x7c, 0xe9, 0xda, 0x31, 0x13, 0xb5, 0xf0, 0xb8, 0xc0,
    0x0a, 0x60, 0xb1, 0xce, 0x1d, 0x7e, 0x81, 0x9d, 0x7a, 0x43, 0x1d, 0x7c, 0x90, 0xea, 0x0e, 0x5f};

const Curve CURVE_P256 = {32, P256_P, P256_B, P256_N, P256_GX, P256_GY};
const Curve CURVE_P384 = {48, P384_P, P384_B, P384_N, P384_GX, P384_GY};

/** A coordinate in Montgomery form; FALSE when it is not below p. */
static BOOL field_read(const Modulus *p, uint64_t *a, const BYTE *bytes, DWORD size) {
  if (!number_read(a, p->limbs, bytes, size) || number_compare(a, p->n, p->limbs) >= 0)
    return FALSE;
  mod_enter(p, a, a);
  return TRUE;
}

BOOL curve_has_point(const Curve *curve, const BYTE *px, const BYTE *py) {
  Modulus p;
  uint64_t x[LIMBS], y[LIMBS], b[LIMBS], right[LIMBS];
  if (!modulus_set(&p, curve->p, curve->bytes)) return FALSE;
  if (!field_read(&p, x, px, curve->bytes) || !field_read(&p, y, py, curve->bytes)) return FALSE;
  field_read(&p, b, curve->b, curve->bytes);
  /* y^2 = x^3 - 3x + b */
  mod_multiply(&p, right, x, x);
  mod_multiply(&p, right, right, x);
  for (int i = 0; i < 3; i += 1) mod_subtract(&p, right, right, x);
  mod_add(&p, right, right, b);
  mod_multiply(&p, y, y, y);
  return number_compare(y, right, p.limbs) == 0;
}

static void point_double(const Modulus *p, Point *r, const Point *a) {
  uint64_t delta[LIMBS], gamma[LIMBS], beta[LIMBS], alpha[LIMBS], t[LIMBS];
  mod_multiply(p, delta, a->z, a->z);
  mod_multiply(p, gamma, a->y, a->y);
  mod_multiply(p, beta, a->x, gamma);
  mod_subtract(p, t, a->x, delta);
  mod_add(p, alpha, a->x, delta);
  mod_multiply(p, t, t, alpha);
  mod_add(p, alpha, t, t);
  mod_add(p, alpha, alpha, t); /* alpha = 3(x - delta)(x + delta) */
  mod_add(p, t, a->y, a->z);
  mod_multiply(p, t, t, t);
  mod_subtract(p, t, t, gamma);
  mod_subtract(p, r->z, t, delta); /* z' = (y + z)^2 - gamma - delta */
  mod_add(p, beta, beta, beta);
  mod_add(p, beta, beta, beta); /* 4 beta */
  mod_multiply(p, t, alpha, alpha);
  mod_subtract(p, t, t, beta);
  mod_subtract(p, r->x, t, beta); /* x' = alpha^2 - 8 beta */
  mod_subtract(p, t, beta, r->x);
  mod_multiply(p, t, alpha, t);
  mod_multiply(p, gamma, gamma, gamma);
  for (int i = 0; i < 8; i += 1) mod_subtract(p, t, t, gamma);
  memcpy(r->y, t, sizeof(t)); /* y' = alpha(4 beta - x') - 8 gamma^2 */
}

static void point_add(const Modulus *p, Point *r, const Point *a, const Point *b) {
  if (number_is_zero(a->z, p->limbs)) {
    *r = *b;
    return;
  }
  if (number_is_zero(b->z, p->limbs)) {
    *r = *a;
    return;
  }
  uint64_t zz1[LIMBS], zz2[LIMBS], u1[LIMBS], u2[LIMBS], s1[LIMBS], s2[LIMBS], h[LIMBS], hh[LIMBS],
      t[LIMBS];
  mod_multiply(p, zz1, a->z, a->z);
  mod_multiply(p, zz2, b->z, b->z);
  mod_multiply(p, u1, a->x, zz2);
  mod_multiply(p, u2, b->x, zz1);
  mod_multiply(p, s1, a->y, zz2);
  mod_multiply(p, s1, s1, b->z);
  mod_multiply(p, s2, b->y, zz1);
  mod_multiply(p, s2, s2, a->z);
  mod_subtract(p, h, u2, u1);
  mod_subtract(p, s2, s2, s1); /* the slope's numerator */
  if (number_is_zero(h, p->limbs)) {
    if (number_is_zero(s2, p->limbs)) {
      point_double(p, r, a);
    } else {
      memset(r, 0, sizeof(*r));
    }
    return;
  }
  mod_multiply(p, t, a->z, b->z);
  mod_multiply(p, r->z, t, h);
  mod_multiply(p, hh, h, h);
  mod_multiply(p, u1, u1, hh);
  mod_multiply(p, hh, hh, h);
  mod_multiply(p, t, s2, s2);
  mod_subtract(p, t, t, hh);
  mod_subtract(p, t, t, u1);
  mod_subtract(p, r->x, t, u1);
  mod_subtract(p, t, u1, r->x);
  mod_multiply(p, t, t, s2);
  mod_multiply(p, s1, s1, hh);
  mod_subtract(p, r->y, t, s1);
}

/** result = scalar * (px, py); FALSE when a coordinate is not one. */
static BOOL multiply(const Modulus *p, const Curve *curve, Point *result, const BYTE *scalar,
                     const BYTE *px, const BYTE *py) {
  Point point = {0}, next;
  memset(result, 0, sizeof(*result));
  if (!field_read(p, point.x, px, curve->bytes) || !field_read(p, point.y, py, curve->bytes))
    return FALSE;
  point.z[0] = 1;
  mod_enter(p, point.z, point.z);
  for (DWORD i = 0; i < curve->bytes; i += 1) {
    for (BYTE bit = 0x80; bit; bit >>= 1) {
      point_double(p, &next, result);
      *result = next;
      if (!(scalar[i] & bit)) continue;
      point_add(p, &next, result, &point);
      *result = next;
    }
  }
  return TRUE;
}

/** FALSE at infinity. */
static BOOL write_point(const Modulus *p, const Curve *curve, Point *point, BYTE *x, BYTE *y) {
  BYTE exponent[MAX_CURVE_BYTES];
  uint64_t inverse[LIMBS], power[LIMBS];
  if (number_is_zero(point->z, p->limbs)) return FALSE;
  /* 1/z = z^(p-2); both p end in ff, so the subtraction borrows nothing. */
  memcpy(exponent, curve->p, curve->bytes);
  exponent[curve->bytes - 1] -= 2;
  mod_power(p, inverse, point->z, exponent, curve->bytes);
  mod_multiply(p, power, inverse, inverse);
  mod_multiply(p, point->x, point->x, power);
  mod_multiply(p, power, power, inverse);
  mod_multiply(p, point->y, point->y, power);
  mod_leave(p, point->x, point->x);
  mod_leave(p, point->y, point->y);
  number_write(point->x, p->limbs, x, curve->bytes);
  number_write(point->y, p->limbs, y, curve->bytes);
  SecureZeroMemory(point, sizeof(*point));
  return TRUE;
}

BOOL curve_multiply(const Curve *curve, const BYTE *scalar, const BYTE *px, const BYTE *py, BYTE *x,
                    BYTE *y) {
  Modulus p;
  Point result;
  return modulus_set(&p, curve->p, curve->bytes) && multiply(&p, curve, &result, scalar, px, py) &&
         write_point(&p, curve, &result, x, y);
}

BOOL curve_combine(const Curve *curve, const BYTE *u1, const BYTE *u2, const BYTE *qx,
                   const BYTE *qy, BYTE *x, BYTE *y) {
  Modulus p;
  Point first, second, sum;
  if (!modulus_set(&p, curve->p, curve->bytes)) return FALSE;
  if (!multiply(&p, curve, &first, u1, curve->gx, curve->gy) ||
      !multiply(&p, curve, &second, u2, qx, qy))
    return FALSE;
  point_add(&p, &sum, &first, &second);
  return write_point(&p, curve, &sum, x, y);
}
