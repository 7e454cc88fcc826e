/** keycask/migration: what files of keys are. */
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
