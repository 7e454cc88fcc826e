/** What a copy tells while it is made. */

export interface CopyProgress {
  readonly step: 'copying' | 'comparing';
  readonly done: number;
  /** Records, and of archives entries of the log and nodes of its map too. */
  readonly total: number;
}

export interface CopyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CopyProgress) => void;
}
