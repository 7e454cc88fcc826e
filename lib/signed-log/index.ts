/** keycask/signed-log: append-only logs that cannot be rewritten unnoticed, and what an auditor needs to check one. */
export type { AppendLogOptions, VerifyLogOptions } from './signed-log.ts';
export type { LogLeaf } from './log-leaves.ts';
export { SignedLog } from './signed-log.ts';
export type { LogAppended } from './append-queue.ts';
export {
  verifyCheckpoint,
  type Checkpoint,
  type CheckpointContent,
  type CheckpointTrust,
  type LogAuthor,
} from './checkpoint.ts';
export { openCheckpointMemory, type CheckpointMemory } from './checkpoint-memory.ts';
export { openFileLogStorage } from './file/file-log-storage.ts';
export type { FollowLogOptions, LogView } from './follower.ts';
export {
  LOG_LIMITS,
  TILE_HEIGHT,
  TILE_LEVELS,
  TILE_WIDTH,
  type AlongNode,
  type AlongRecord,
  type LogAppend,
  type LogCompanions,
  type LogHead,
  type LogStorage,
} from './log-storage.ts';
export { MemoryLogStorage } from './memory-log-storage.ts';
export { EMPTY_ROOT, hashLeaf, hashNode } from './merkle-hash.ts';
export {
  decodeConsistencyProof,
  decodeInclusionProof,
  encodeConsistencyProof,
  encodeInclusionProof,
} from './proof-codec.ts';
export {
  verifyConsistency,
  verifyInclusion,
  type ConsistencyProof,
  type InclusionProof,
  type TreeHead,
} from './proofs.ts';
export { findAmong } from '../messages/verify-message.ts';
export type { SigningIdentity } from '../messages/sign-message.ts';
export type { FindSigner, Signer } from '../cms/signed-data.ts';
export type { SignatureScheme } from '../cms/algorithms.ts';
export type { ToBeSigned, ToBeSignedKind } from '../contracts/to-be-signed.ts';
export { BlobFormatError, KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';
