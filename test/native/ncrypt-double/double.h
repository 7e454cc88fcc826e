/*
 * What the parts of the double share: objects behind handles, bytes, and one block for each file.
 *
 * This is a test double of ncrypt.dll, for Wine. It is not Microsoft's code and protects nothing:
 * README.md.
 */
#ifndef KEYCASK_NCRYPT_DOUBLE_H
#define KEYCASK_NCRYPT_DOUBLE_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <wincrypt.h>
#include <bcrypt.h>
#include <ncrypt.h>
#include <stdint.h>

/* ncrypt.h and winerror.h of newer Windows kits than the compiler's. */
#define NCRYPT_PREFER_VBS_FLAG 0x00010000
#define NCRYPT_REQUIRE_VBS_FLAG 0x00020000
#define NCRYPT_USE_PER_BOOT_KEY_FLAG 0x00040000
#define NCRYPT_IMPL_VIRTUAL_ISOLATION_FLAG 0x00000020
#undef NCRYPT_PERSIST_FLAG
#define NCRYPT_PERSIST_FLAG 0x80000000u
#define STATUS_VBS_UNAVAILABLE ((SECURITY_STATUS)0x80090045)    /* NTE_VBS_UNAVAILABLE */
#define STATUS_VBS_CANNOT_DECRYPT ((SECURITY_STATUS)0x80090046) /* NTE_VBS_CANNOT_DECRYPT_KEY */
#define STATUS_USER_CANCELLED ((SECURITY_STATUS)0x80090036)     /* NTE_USER_CANCELLED */
#define STATUS_STORAGE_FULL ((SECURITY_STATUS)0x80090023)       /* NTE_TOKEN_KEYSET_STORAGE_FULL */

/* ---- main.c: the process ---- */
/** Whether an environment variable of the double has this value. */
BOOL has_setting(const WCHAR *name, const WCHAR *value);

/* ---- memory.c: bytes, and what callers free with NCryptFreeBuffer ---- */
typedef struct Bytes {
  BYTE *data;
  DWORD size;
} Bytes;

BOOL bytes_reserve(Bytes *bytes, DWORD size); /* fresh and zero */
BOOL bytes_copy(Bytes *bytes, const void *data, DWORD size);
void bytes_free(Bytes *bytes); /* wipes first */
WCHAR *text_copy(const WCHAR *text);
/** The protocol of two calls: tells the size, copies, or says that the buffer is too small. */
SECURITY_STATUS give_bytes(const void *data, DWORD size, BYTE *output, DWORD capacity,
                           DWORD *result);
/** Memory that the caller gives back with NCryptFreeBuffer. */
void *buffer_allocate(SIZE_T size);
BOOL buffer_is_ours(const void *pointer);

/* ---- handles.c: a handle is an index and a generation, so a freed one is refused ---- */
typedef enum ObjectKind {
  PROVIDER_OBJECT = 1,
  KEY_OBJECT = 2,
  SECRET_OBJECT = 4,
  ANY_OBJECT = 7
} ObjectKind;

typedef struct Object {
  ObjectKind kind;
  LONG references;
  void (*destroy)(struct Object *object);
} Object;

void handles_start(void);
/** Gives an object its handle; the object is released when that fails. */
SECURITY_STATUS handle_open(Object *object, NCRYPT_HANDLE *handle);
/**
 * The object behind a handle, with a reference for the caller; NULL when it is not one of these
 * kinds.
 */
Object *handle_acquire(NCRYPT_HANDLE handle, ObjectKind kinds);
/** Takes the handle away; FALSE when there is none. Calls under way keep their reference. */
BOOL handle_close(NCRYPT_HANDLE handle, ObjectKind kinds);
void object_release(Object *object);
DWORD handles_count(void);

/* ---- algorithms.c ---- */
typedef struct Curve Curve;
typedef struct Algorithm {
  const WCHAR *name;
  const WCHAR *group;
  const Curve *curve;                         /* NULL: RSA */
  DWORD length, shortest, longest, increment; /* bits */
  DWORD operations;                           /* NCRYPT_*_OPERATION */
  DWORD interface_class;
  DWORD usage;                       /* default of Key Usage */
  DWORD public_magic, private_magic; /* bcrypt.h */
} Algorithm;

const Algorithm *algorithm_named(const WCHAR *name);
const Algorithm *algorithm_with_magic(DWORD magic);
BOOL is_length_supported(const Algorithm *algorithm, DWORD bits);

/* ---- providers.c ---- */
typedef struct ProviderKind {
  const WCHAR *name;
  const WCHAR *comment;
  const WCHAR *folder;  /* below the store's folder */
  DWORD implementation; /* NCRYPT_IMPL_* */
} ProviderKind;

typedef struct Provider {
  Object object;
  const ProviderKind *kind;
} Provider;

SECURITY_STATUS provider_open(const ProviderKind *kind, NCRYPT_HANDLE *handle);
SECURITY_STATUS provider_property(const Provider *provider, const WCHAR *name, Bytes *value);

/* ---- property-list.c ---- */
typedef struct Property {
  WCHAR name[NCRYPT_MAX_PROPERTY_NAME + 1];
  BOOL is_persisted;
  Bytes value;
  struct Property *next;
} Property;

Property *property_find(Property *list, const WCHAR *name);
BOOL property_put(Property **list, const WCHAR *name, const void *value, DWORD size,
                  BOOL is_persisted);
void property_remove(Property **list, const WCHAR *name);
void property_list_free(Property **list);
BOOL property_list_copy(Property **copy, const Property *list);

/* ---- key-file.c: what is kept of a key; store.c: where ---- */
#define KEY_ID_SIZE 16

typedef struct KeyFile {
  BYTE id[KEY_ID_SIZE]; /* random: tells a key from its successor of the same name */
  const Algorithm *algorithm;
  DWORD legacy_spec;
  DWORD flags; /* NCRYPT_MACHINE_KEY_FLAG and the VBS flags */
  DWORD boot;  /* which boot a per-boot key belongs to */
  WCHAR *name;
  Bytes material; /* RSAFULLPRIVATEBLOB or ECCPRIVATEBLOB, unprotected */
  Property *properties;
  FILETIME modified; /* of the file; not in it */
} KeyFile;

void key_file_free(KeyFile *file);
BOOL key_file_encode(const KeyFile *file, Bytes *encoded);
SECURITY_STATUS key_file_decode(const Bytes *encoded, KeyFile *file);

typedef struct KeyPlace {
  WCHAR path[MAX_PATH * 2];
  WCHAR unique_name[80]; /* the file's name, without folder */
  WCHAR mutex_name[128];
} KeyPlace;

SECURITY_STATUS place_of_key(const ProviderKind *kind, BOOL is_machine, const WCHAR *name,
                             KeyPlace *place);
SECURITY_STATUS folder_of_keys(const ProviderKind *kind, BOOL is_machine, WCHAR *folder,
                               DWORD capacity);
HANDLE place_lock(const KeyPlace *place); /* across processes */
void place_unlock(HANDLE mutex);
/* With the lock held: */
BOOL place_is_taken(const KeyPlace *place);
SECURITY_STATUS place_read(const KeyPlace *place,
                           KeyFile *file); /* NTE_BAD_KEYSET: nothing there */
SECURITY_STATUS place_write(const KeyPlace *place, const KeyFile *file, BOOL may_replace);
SECURITY_STATUS place_delete(const KeyPlace *place);
SECURITY_STATUS read_key_file(const WCHAR *path, KeyFile *file);

/* ---- key.c: the object behind a key handle ---- */
typedef struct Key {
  Object object;
  CRITICAL_SECTION lock;
  const ProviderKind *provider;
  const Algorithm *algorithm;
  WCHAR *name; /* NULL: ephemeral */
  BYTE id[KEY_ID_SIZE];
  DWORD legacy_spec;
  DWORD flags;  /* as in KeyFile */
  DWORD length; /* bits */
  BOOL may_overwrite;
  BOOL is_finalized;
  BOOL is_from_legacy_store;
  BOOL can_archive; /* the handle that the key was made with */
  BOOL was_archived;
  BOOL is_private;
  Bytes material;
  FILETIME modified;
  Property *own;       /* of this handle; all of them before it is finalized */
  Property *persisted; /* as the file was when last read */
} Key;

Key *key_create(const ProviderKind *provider, const Algorithm *algorithm, const WCHAR *name);
/** The key behind a handle, locked. key_release unlocks it and gives the reference back. */
Key *key_acquire(NCRYPT_KEY_HANDLE handle);
void key_release(Key *key);
/** The value that counts for this handle: its own, else the persisted one. */
const Property *key_property(const Key *key, const WCHAR *name);
DWORD key_number(const Key *key, const WCHAR *name, DWORD otherwise);
/** Reads again what other handles persisted; a deleted or replaced key keeps what it has. */
void key_refresh(Key *key);
/**
 * Whether the private half may be used this way: finalized, there, allowed, and nobody has to be
 * asked.
 */
SECURITY_STATUS key_check_use(const Key *key, DWORD usage, DWORD flags);
BOOL key_is_machine(const Key *key);
DWORD current_boot(void);
BOOL is_vbs_available(void);
/** Persists a key for the first time; create.c. */
SECURITY_STATUS key_finalize(Key *key, DWORD flags);
void key_take_file(Key *key, KeyFile *file);

/* ---- key-properties.c, ui-policy.c ---- */
SECURITY_STATUS key_get_property(Key *key, const WCHAR *name, DWORD flags, Bytes *value);
SECURITY_STATUS key_set_property(Key *key, const WCHAR *name, const BYTE *value, DWORD size,
                                 DWORD flags);
SECURITY_STATUS ui_policy_pack(const BYTE *input, DWORD size, Bytes *packed);
SECURITY_STATUS ui_policy_give(const Bytes *packed, BYTE *output, DWORD capacity, DWORD *result);
BOOL ui_policy_asks(const Property *packed);

/* ---- transfer.c ---- */
/** Whether a property of that name is a private half. */
BOOL is_private_blob(const WCHAR *name);
SECURITY_STATUS key_set_private(Key *key, const WCHAR *name, const BYTE *blob, DWORD size);

/* ---- blobs: material and its forms ---- */
SECURITY_STATUS rsa_generate(DWORD bits, Bytes *material);
SECURITY_STATUS rsa_blob_import(const BYTE *blob, DWORD size, BOOL validate, Bytes *material,
                                BOOL *is_private);
SECURITY_STATUS rsa_blob_export(const Bytes *material, DWORD magic, Bytes *blob);
SECURITY_STATUS capi_blob_import(const BYTE *blob, DWORD size, BOOL validate, Bytes *material,
                                 BOOL *is_private, DWORD *legacy_spec);
SECURITY_STATUS capi_blob_export(const Bytes *material, BOOL with_private, DWORD legacy_spec,
                                 Bytes *blob);
SECURITY_STATUS ecc_generate(const Algorithm *algorithm, Bytes *material);
SECURITY_STATUS ecc_blob_import(const BYTE *blob, DWORD size, BOOL validate, Bytes *material,
                                BOOL *is_private, const Algorithm **algorithm);
SECURITY_STATUS ecc_blob_export(const Algorithm *algorithm, const Bytes *material,
                                BOOL with_private, Bytes *blob);

typedef struct RsaView { /* into material; big-endian numbers */
  DWORD bits;
  Bytes exponent, modulus, prime1, prime2, exponent1, exponent2, coefficient, private_exponent;
} RsaView;
BOOL rsa_view(const Bytes *material, RsaView *view);

/* ---- rsa.c, rsa-padding.c ---- */
#define MAX_RSA_BYTES (16384 / 8)
/**
 * output = input ^ exponent mod modulus, as long as the modulus; FALSE when the input is not below
 * it.
 */
BOOL rsa_raw(const RsaView *view, const Bytes *exponent, const BYTE *input, DWORD size,
             BYTE *output);
BOOL pkcs1_pad(BYTE *block, DWORD size, const BYTE *data, DWORD length);
BOOL pkcs1_unpad(const BYTE *block, DWORD size, const BYTE **data, DWORD *length);
BOOL oaep_pad(BYTE *block, DWORD size, const BYTE *data, DWORD length,
              const BCRYPT_OAEP_PADDING_INFO *info);
BOOL oaep_unpad(BYTE *block, DWORD size, const BYTE **data, DWORD *length,
                const BCRYPT_OAEP_PADDING_INFO *info);
SECURITY_STATUS rsa_sign(const Key *key, const void *padding, const BYTE *hash, DWORD size,
                         DWORD flags, BYTE *signature);
SECURITY_STATUS rsa_verify(const Key *key, const void *padding, const BYTE *hash, DWORD size,
                           const BYTE *signature, DWORD signature_size, DWORD flags);

/* ---- hash.c ---- */
#define MAX_HASH_BYTES 64
/** Size of a hash that bcrypt has; 0 when it has none of that name. */
DWORD hash_size(const WCHAR *algorithm);
/** Hashes parts one after another; keyed (HMAC) when key is not NULL. */
BOOL hash_parts(const WCHAR *algorithm, const Bytes *key, const Bytes *parts, DWORD count,
                BYTE *output);

/* ---- bignum.c: enough for RSA and two curves; not constant in time, as a double may be ---- */
#define MAX_LIMBS (MAX_RSA_BYTES / 8)
typedef struct Modulus {
  DWORD limbs;
  uint64_t inverse; /* -1 / n[0] mod 2^64 */
  uint64_t n[MAX_LIMBS];
  uint64_t r2[MAX_LIMBS]; /* 2^(128*limbs) mod n: into Montgomery form */
} Modulus;

BOOL modulus_set(Modulus *m, const BYTE *bytes, DWORD size); /* odd, not zero */
BOOL number_read(uint64_t *a, DWORD limbs, const BYTE *bytes, DWORD size);
void number_write(const uint64_t *a, DWORD limbs, BYTE *bytes, DWORD size);
int number_compare(const uint64_t *a, const uint64_t *b, DWORD limbs);
BOOL number_is_zero(const uint64_t *a, DWORD limbs);
void mod_reduce(const Modulus *m, uint64_t *a); /* below 2n */
void mod_add(const Modulus *m, uint64_t *result, const uint64_t *a, const uint64_t *b);
void mod_subtract(const Modulus *m, uint64_t *result, const uint64_t *a, const uint64_t *b);
void mod_multiply(const Modulus *m, uint64_t *result, const uint64_t *a,
                  const uint64_t *b);                                  /* Montgomery: a*b/R */
void mod_enter(const Modulus *m, uint64_t *result, const uint64_t *a); /* a*R */
void mod_leave(const Modulus *m, uint64_t *result, const uint64_t *a); /* a/R */
void mod_power(const Modulus *m, uint64_t *result, const uint64_t *base, const BYTE *exponent,
               DWORD size); /* Montgomery in and out */

/* ---- curve.c, ecdsa.c, ecc.c ---- */
#define MAX_CURVE_BYTES 48
struct Curve {
  DWORD bytes;
  const BYTE *p, *b, *n, *gx, *gy;
};
extern const Curve CURVE_P256;
extern const Curve CURVE_P384;
BOOL curve_has_point(const Curve *curve, const BYTE *x, const BYTE *y);
/** x, y = scalar * point; FALSE for the point at infinity. */
BOOL curve_multiply(const Curve *curve, const BYTE *scalar, const BYTE *px, const BYTE *py, BYTE *x,
                    BYTE *y);
/** x, y = u1 * base point + u2 * (qx, qy) */
BOOL curve_combine(const Curve *curve, const BYTE *u1, const BYTE *u2, const BYTE *qx,
                   const BYTE *qy, BYTE *x, BYTE *y);
SECURITY_STATUS ecdsa_sign(const Key *key, const BYTE *hash, DWORD size, BYTE *signature);
SECURITY_STATUS ecdsa_verify(const Key *key, const BYTE *hash, DWORD size, const BYTE *signature,
                             DWORD signature_size);

/* ---- legacy-store.c: CryptoAPI containers, through advapi32 ---- */
SECURITY_STATUS legacy_write(const WCHAR *container, BOOL is_machine, DWORD legacy_spec,
                             BOOL may_replace, BOOL is_exportable, const Bytes *material);
/** legacy_spec: 0 tries the exchange key, then the signature key; says which it was. */
SECURITY_STATUS legacy_read(const WCHAR *container, BOOL is_machine, DWORD *legacy_spec,
                            BOOL *is_exportable, Bytes *material);
SECURITY_STATUS legacy_delete(const WCHAR *container, BOOL is_machine, DWORD legacy_spec);

#endif
