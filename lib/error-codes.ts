/**
 * The one table of error codes: code, Windows' name and number, what it means, what to do, the CLI's exit code.
 *
 * docs/ERRORS.md is generated from it. Numbers are those of winerror.h, kept unsigned. A code is never reused or renumbered.
 */

/** Exit codes of the command line (DESIGN section 9). */
export type ExitCode = 1 | 2 | 3 | 4 | 130;

interface ErrorCodeRow {
  /** Name in winerror.h. */
  readonly nteName: string;
  /** The HRESULT as an unsigned 32-bit number. */
  readonly nte: number;
  /** What happened, one sentence. */
  readonly meaning: string;
  /** What the user can do about it. */
  readonly hint: string;
  readonly exit: ExitCode;
}

export const ERROR_CODES = {
  // Bytes from outside
  BLOB_MALFORMED: row(
    'NTE_BAD_DATA',
    0x80090005,
    3,
    'The bytes are not the format that they should be.',
    'Check that this is the right file and that it was copied whole.',
  ),
  BLOB_TOO_LARGE: row(
    'NTE_BAD_LEN',
    0x80090004,
    3,
    'The input is larger than its format allows.',
    'Check that this is the right file.',
  ),
  BLOB_VERSION_UNSUPPORTED: row(
    'NTE_BAD_VER',
    0x80090007,
    3,
    'The format version is not one that this release reads.',
    'Use the release of keycask that wrote it, or a newer one.',
  ),
  BLOB_ALGORITHM_UNSUPPORTED: row(
    'NTE_BAD_ALGID',
    0x80090008,
    3,
    'The bytes name an algorithm that keycask does not accept here.',
    'See docs/FORMATS.md for the algorithms of a key record.',
  ),
  // Trust
  BLOB_SIGNER_NOT_TRUSTED: row(
    'TRUST_E_SUBJECT_NOT_TRUSTED',
    0x800b0004,
    3,
    'The key that signed this is not one that you trust.',
    'If you expected this signer, see `keycask trust list` and give its certificate with --signer or `keycask trust add`.',
  ),
  BLOB_SIGNATURE_INVALID: row(
    'NTE_BAD_SIGNATURE',
    0x80090006,
    3,
    'The signature does not fit the content.',
    'The bytes were changed after they were signed; restore them from a copy.',
  ),
  RECORD_MISPLACED: row(
    'CRYPT_E_ATTRIBUTES_MISSING',
    0x8009100f,
    3,
    'This record is genuine but belongs to another id or another store.',
    'Somebody moved or swapped records; restore the right one from a copy.',
  ),
  RECORD_ROLLED_BACK: row(
    'NTE_VALIDATION_FAILED',
    0x80090032,
    3,
    'The store returned another version of this record than the one last written.',
    'Somebody put an older record back; restore the newest one from a copy.',
  ),
  RECORD_MISSING: row(
    'NTE_NOT_FOUND',
    0x80090011,
    3,
    'The manifest lists a record that the store no longer has.',
    'Somebody removed it behind keycask; restore it from a copy, or accept the loss with `keycask remove`.',
  ),
  RECORD_EXPIRED: row(
    'CERT_E_EXPIRED',
    0x800b0101,
    3,
    'The key is past its last day of use.',
    'Rotate it: `keycask rotate LABEL`. It still decrypts.',
  ),
  KEY_DECRYPT_ONLY: row(
    'NTE_BAD_KEY_STATE',
    0x8009000b,
    3,
    'This key may decrypt but not encrypt.',
    'Encrypt with a key of this store, or adopt the record: `keycask trust adopt ID`.',
  ),
  POLICY_REFUSED: row(
    'NTE_PERM',
    0x80090010,
    3,
    'A policy of this home does not allow it.',
    'See `keycask trust list` for the policies in force.',
  ),
  TRUST_NOT_FOUND: row(
    'TRUST_E_NO_SIGNER_CERT',
    0x80096002,
    3,
    'There is no trust.cms here, so nothing is trusted.',
    'Make a home with `keycask init`, or point --home at the right one.',
  ),
  TRUST_INVALID: row(
    'TRUST_E_CERT_SIGNATURE',
    0x80096004,
    3,
    'trust.cms was not signed by the key of this home, or was changed.',
    'Restore trust.cms from a copy.',
  ),
  MANIFEST_DAMAGED: row(
    'TRUST_E_BAD_DIGEST',
    0x80096010,
    3,
    "The store's manifest was changed.",
    'Restore the manifest from a copy.',
  ),
  MANIFEST_ROLLED_BACK: row(
    'TRUST_E_TIME_STAMP',
    0x80096005,
    3,
    'The manifest is older than what this home has already seen.',
    'Restore the newest manifest from a copy.',
  ),
  LOG_REWOUND: row(
    'TRUST_E_TIME_STAMP',
    0x80096005,
    3,
    'The log is shorter than it was when it was seen before, or as long with other entries.',
    'Restore the newest log from a copy. If a backup was put back on purpose, say so with `keycask store accept`: then what came after it is given up.',
  ),
  LOG_FORKED: row(
    'NTE_VALIDATION_FAILED',
    0x80090032,
    3,
    'The log has another history than the one that was seen before.',
    'Two copies of it were written to, or somebody rewrote it. Keep both checkpoints: they are the evidence. `keycask store accept` takes the one that is there.',
  ),
  LOG_TRUNCATED: row(
    'NTE_NOT_FOUND',
    0x80090011,
    3,
    'The log does not have all that its newest checkpoint covers.',
    'Restore what is missing from a copy.',
  ),
  LOG_DAMAGED: row(
    'TRUST_E_BAD_DIGEST',
    0x80096010,
    3,
    'The log has something else than what its newest checkpoint covers.',
    'Restore the log from a copy.',
  ),
  LOG_MISPLACED: row(
    'CRYPT_E_ATTRIBUTES_MISSING',
    0x8009100f,
    3,
    'This checkpoint is genuine but of another log.',
    'Somebody swapped logs; check where this one is kept.',
  ),
  // Keys and secrets
  KEY_UNWRAP_FAILED: row(
    'NTE_DECRYPTION_FAILURE',
    0x8009002c,
    4,
    'The key could not be unwrapped.',
    'Use the container or the password that the record was made for.',
  ),
  KEY_COMMITMENT_MISMATCH: row(
    'NTE_BAD_KEY',
    0x80090003,
    3,
    'The record holds another key than the one it was signed for.',
    'Do not use this record; restore the right one from a copy.',
  ),
  NO_RECIPIENT: row(
    'NTE_NO_KEY',
    0x8009000d,
    4,
    'None of the recipients of this record is a key that is open here.',
    'Open the container that it was wrapped for, or give a password with --password-file.',
  ),
  PASSWORD_WRONG: row(
    'NTE_INCORRECT_PASSWORD',
    0x80090033,
    4,
    'The password or passphrase is wrong.',
    'Try again; the container takes --passphrase-file, a record takes --password-file.',
  ),
  PASSWORD_REQUIRED: row(
    'NTE_SILENT_CONTEXT',
    0x80090022,
    4,
    'A password or passphrase is needed and there is nobody to ask.',
    'Give --passphrase-file or KEYCASK_PASSPHRASE for the container, --password-file or KEYCASK_PASSWORD for a record.',
  ),
  PIN_LOCKED: row(
    'SCARD_W_CHV_BLOCKED',
    0x8010006c,
    4,
    "The token takes no PIN any more: too many were wrong, or the user's was never set.",
    'Whoever looks after the token can set a new one with its own tools.',
  ),
  KEY_NOT_FOUND: row(
    'NTE_NO_KEY',
    0x8009000d,
    4,
    'There is no key of that id or label in this store.',
    'See `keycask list`.',
  ),
  KEY_AMBIGUOUS: row(
    'NTE_INVALID_PARAMETER',
    0x80090027,
    2,
    'More than one key begins with that id.',
    'Give more of the id.',
  ),
  KEY_FILE_DAMAGED: row(
    'NTE_KEYSET_ENTRY_BAD',
    0x8009001a,
    3,
    'The key file was changed, or is not of this container.',
    'Restore keys/ from a copy.',
  ),
  PROTECTOR_UNAVAILABLE: row(
    'NTE_KEYSET_NOT_DEF',
    0x80090019,
    4,
    'The secret that protects this key file is not on this machine.',
    'A copy of a home opens only where its machine secret is; use the original machine, or a passphrase-protected container.',
  ),
  KEY_PER_BOOT_GONE: row(
    'NTE_DEVICE_NOT_READY',
    0x80090030,
    4,
    'This key was made for an earlier boot of the machine.',
    'Per-boot keys do not survive a restart, on purpose: make a new one.',
  ),
  LEGACY_DECRYPTION_FAILED: row(
    'NTE_BAD_DATA',
    0x80090005,
    4,
    'The data of CryptEncrypt could not be decrypted.',
    'Check the key, its salt and effective length, and the mode and IV that it was encrypted with.',
  ),
  LEGACY_KEY_LENGTH_REFUSED: row(
    'NTE_BAD_DATA',
    0x80090005,
    2,
    'The provider of Windows has no key of that length for this algorithm.',
    'See `capiProviderAlgorithms` for the lengths that each provider has, or name another provider.',
  ),
  // Containers and providers
  CONTAINER_NOT_FOUND: row(
    'NTE_BAD_KEYSET',
    0x80090016,
    4,
    'There is no such key container.',
    'See `keycask container list`.',
  ),
  CONTAINER_EXISTS: row(
    'NTE_EXISTS',
    0x8009000f,
    1,
    'A key of that name exists already.',
    'Choose another name; `keycask container list` shows those in use.',
  ),
  EXPORT_FORBIDDEN: row(
    'NTE_BAD_KEY_STATE',
    0x8009000b,
    3,
    "The key's policy forbids this use or export.",
    'Keys made with --not-exportable stay where they are.',
  ),
  HANDLE_INVALID: row(
    'NTE_INVALID_HANDLE',
    0x80090026,
    1,
    'The key or provider was already closed or deleted.',
    'Open it again.',
  ),
  FLAGS_INVALID: row(
    'NTE_BAD_FLAGS',
    0x80090009,
    2,
    'These options do not go together.',
    'See the options of the call.',
  ),
  PARAMETER_INVALID: row(
    'NTE_INVALID_PARAMETER',
    0x80090027,
    2,
    'An argument is not valid.',
    'See the message for which one.',
  ),
  ALGORITHM_UNSUPPORTED: row(
    'NTE_BAD_ALGID',
    0x80090008,
    2,
    'This provider does not have that algorithm.',
    'See `keycask doctor` for what it has.',
  ),
  NOT_SUPPORTED: row(
    'NTE_NOT_SUPPORTED',
    0x80090029,
    1,
    'This provider cannot do that.',
    'See `keycask doctor` for what it can.',
  ),
  VBS_UNAVAILABLE: row(
    'NTE_VBS_UNAVAILABLE',
    0x80090045,
    1,
    'The key must be isolated by VBS, and there is none here.',
    'Use prefer-vbs to fall back, or a provider with isolation.',
  ),
  PROVIDER_UNAVAILABLE: row(
    'NTE_PROV_DLL_NOT_FOUND',
    0x8009001e,
    1,
    'The provider cannot be used on this machine.',
    'See `keycask doctor`.',
  ),
  // The agent
  AGENT_UNAVAILABLE: row(
    'NTE_DEVICE_NOT_FOUND',
    0x80090035,
    1,
    'No keycask agent answers at this socket.',
    'Start it: `keycask agent start`, and see `keycask agent status`.',
  ),
  AGENT_NOT_TRUSTED: row(
    'NTE_PERM',
    0x80090010,
    3,
    "The agent's socket belongs to somebody else, or somebody else could replace it.",
    'Check who owns the socket and its folder; name the user that the agent runs as.',
  ),
  AGENT_ACCESS_DENIED: row(
    'NTE_PERM',
    0x80090010,
    3,
    'The agent does not allow this user to do that.',
    'See the users and the access list of the agent.',
  ),
  AGENT_LOCKED: row(
    'NTE_UI_REQUIRED',
    0x8009002e,
    4,
    'The agent is locked: it has closed its keys and forgotten its passphrase.',
    'Unlock it: `keycask agent unlock`.',
  ),
  AGENT_BUSY: row(
    'NTE_DEVICE_NOT_READY',
    0x80090030,
    1,
    'The agent was asked for more than it allows at once.',
    'Wait a little and ask again.',
  ),
  AGENT_PROTOCOL: row(
    'NTE_BAD_DATA',
    0x80090005,
    1,
    "What came through the agent's socket is not a message of its protocol.",
    'Use an agent and a client of the same release of keycask.',
  ),
  AGENT_OUTCOME_UNKNOWN: row(
    'NTE_FAIL',
    0x80090020,
    1,
    'The agent ended before it answered: what was asked for may have been done.',
    'Look whether it was done before you ask again.',
  ),
  AGENT_KEY_GONE: row(
    'NTE_INVALID_HANDLE',
    0x80090026,
    1,
    'This key was held by an agent that has ended since, or by one that was locked.',
    'Ephemeral and unfinished keys end with their agent: make a new one.',
  ),
  // Stores, files, homes
  STORE_CONFLICT: row(
    'NTE_EXISTS',
    0x8009000f,
    1,
    'Another process changed this record at the same time.',
    'Run the command again.',
  ),
  STORE_UNAVAILABLE: row(
    'NTE_DEVICE_NOT_READY',
    0x80090030,
    1,
    'The database of the store cannot be reached, or went away; nothing was changed.',
    'Check that it runs and that its address is right, and run it again.',
  ),
  STORE_OUTCOME_UNKNOWN: row(
    'NTE_FAIL',
    0x80090020,
    1,
    'The database went away before it answered: the change may have been made.',
    'Look at the record before you change it again.',
  ),
  WORK_NOT_FOUND: row(
    'NTE_NOT_FOUND',
    0x80090011,
    1,
    'There is no such job in this store.',
    'Nobody has begun it, or a newer one took its place: run the command without --join.',
  ),
  STORE_ACCESS_DENIED: row(
    'NTE_PERM',
    0x80090010,
    1,
    'The database of the store refuses this user, or cannot be trusted by its certificate.',
    'Check user, password, certificate and rights; the message has the reason that was given.',
  ),
  STORE_DAMAGED: row(
    'NTE_KEYSET_ENTRY_BAD',
    0x8009001a,
    3,
    'What the store lies in is damaged, or is something else.',
    'Check that it is the right one, and restore it from a backup: docs/STORES.md.',
  ),
  STORE_VERSION_UNSUPPORTED: row(
    'NTE_BAD_VER',
    0x80090007,
    3,
    'A newer release of keycask made or changed this store.',
    'Use the release of keycask that changed it, or a newer one.',
  ),
  HOME_NOT_FOUND: row(
    'NTE_BAD_KEYSET',
    0x80090016,
    4,
    'There is no keycask home here.',
    'Make one with `keycask init`, or point --home at it.',
  ),
  HOME_EXISTS: row(
    'NTE_EXISTS',
    0x8009000f,
    1,
    'There is a keycask home here already.',
    'Use it, or choose another folder with --home.',
  ),
  FILE_NOT_FOUND: row(
    'ERROR_FILE_NOT_FOUND',
    0x80070002,
    1,
    'There is no such file.',
    'Check the path.',
  ),
  FILE_EXISTS: row(
    'ERROR_FILE_EXISTS',
    0x80070050,
    1,
    'The output is there already.',
    'Say --force to replace it, or choose another name with -o.',
  ),
  FILE_WRONG_TYPE: row(
    'ERROR_DIRECTORY',
    0x8007010b,
    1,
    'A file stands where a directory should be, or the other way round.',
    'Check the path.',
  ),
  FILE_DAMAGED: row(
    'NTE_BAD_DATA',
    0x80090005,
    3,
    'The encrypted file was changed, cut or continued.',
    'Restore it from a copy. Nothing unverified was written.',
  ),
  CONTEXT_MISMATCH: row(
    'NTE_VALIDATION_FAILED',
    0x80090032,
    3,
    'The file was encrypted with another context than the one that you expect.',
    'See its context with `keycask show FILE`; perhaps it is another file that was put in its place.',
  ),
  PERMISSION_DENIED: row(
    'NTE_PERM',
    0x80090010,
    1,
    'The operating system refused access.',
    'Check who owns the file and who you are.',
  ),
  STORAGE_FULL: row(
    'NTE_TOKEN_KEYSET_STORAGE_FULL',
    0x80090023,
    1,
    'There is no space left to write.',
    'Free some space and run it again; nothing was replaced.',
  ),
  STORAGE_READ_ONLY: row(
    'ERROR_WRITE_PROTECT',
    0x80070013,
    1,
    'The place to write to is read-only.',
    'Choose another --home or output.',
  ),
  IO_FAILED: row(
    'NTE_SYS_ERR',
    0x80090021,
    1,
    'The operating system could not do it.',
    'See the message for its reason.',
  ),
  // Use
  USAGE: row(
    'NTE_INVALID_PARAMETER',
    0x80090027,
    2,
    'The command was not understood.',
    'See `keycask --help`.',
  ),
  CANCELLED: row(
    'NTE_USER_CANCELLED',
    0x80090036,
    130,
    'It was interrupted.',
    'Nothing is lost: run it again.',
  ),
  MODULE_MISSING: row(
    'NTE_PROVIDER_DLL_FAIL',
    0x8009001d,
    1,
    'An optional package that this needs could not be loaded.',
    'Install the package that the message names.',
  ),
  INTERNAL: row(
    'NTE_INTERNAL_ERROR',
    0x8009002d,
    1,
    'keycask made a mistake.',
    'Please report it, with the message.',
  ),
} as const satisfies Record<string, ErrorCodeRow>;

/** Every code that a {@link KeyStoreError} can carry. */
export type KeyStoreErrorCode = keyof typeof ERROR_CODES;

// oxlint-disable-next-line max-params -- one row of a table, read as columns
function row(
  nteName: string,
  nte: number,
  exit: ExitCode,
  meaning: string,
  hint: string,
): ErrorCodeRow {
  return { nteName, nte, exit, meaning, hint };
}
