/** keycask/migration: what files of keys are. */
export { diagnose, type DiagnoseInput, type DiagnoseOptions } from './diagnose.ts';
export { diagnoseFile, readCipherSample, type DiagnoseFileOptions } from './diagnose-file.ts';
export type {
  Diagnosis,
  DiagnosisAttempt,
  DiagnosisFinding,
  OpenedHow,
  Wrapping,
} from './diagnosis.ts';
export { inspect, type InspectOptions } from './inspect.ts';
export { inspectFile, MAX_INSPECTED } from './inspect-file.ts';
export type {
  InspectedField,
  InspectedFieldKind,
  InspectedPart,
  Inspection,
  InspectionFault,
  InspectionNote,
  InspectionState,
  NoteId,
} from './inspection.ts';
export type { DataFile, DataMap, DataMapEntry, DataParameters } from './data-files.ts';
export { inventory, type Inventory, type InventoryOptions } from './inventory.ts';
export type { FileRole, InventoryItem } from './inventory-item.ts';
export { describeOrigin, type KeyAtHand, type KeyOrigin } from './key-at-hand.ts';
export { KeysAtHand, type ClosedKeyFile } from './keys-at-hand.ts';
export type { LegacySecrets } from './legacy-secrets.ts';
export { planMigration, type MigrationPlan, type PlannedKey, type PlanOptions } from './plan.ts';
export { readDataMap } from './read-data-map.ts';
export {
  reportText,
  type MigratedDataFile,
  type MigratedKey,
  type MigrationCounts,
  type MigrationFailure,
  type MigrationReport,
  type MigrationStatement,
  type OpenedBy,
  type ReportedPrivateKey,
} from './report.ts';
export type { Risk } from './risks.ts';
export { runMigration, type MigrationProgress, type RunOptions } from './run.ts';
export { prepareReport, saveReport, verifySavedReport, type SavedReport } from './save-report.ts';
export {
  searchCipher,
  type CipherFinding,
  type CipherSample,
  type SearchCipherOptions,
} from './search-cipher.ts';
export type { SkippedPath, SourceFile } from './source-files.ts';
