/** keycask/stores/memory: records, and an archive, that are gone with the process. */
export { ARCHIVE_LIMITS, type Archive } from './archive.ts';
export { openMemoryArchive } from './memory/memory-archive.ts';
export { MemoryStore } from './memory/memory-store.ts';
