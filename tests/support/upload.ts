/** Many large requests at once, sent from another thread. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

export type Upload = Readonly<{ url: string; apiKey: string; body: Uint8Array; count: number }>;

export type UploadResult = Readonly<{
  /** 0 if the connection broke before a response. */
  status: number;
  retryAfter: string | null;
  /** The id of the request. */
  id: string | null;
  /** The bytes of the response's body. */
  length: number;
  isComplete: boolean;
}>;

/** Sends a body `count` times at once, in another thread. */
export function uploadAtOnce(upload: Upload): Promise<readonly UploadResult[]> {
  const worker = new Worker(join(import.meta.dirname, 'upload-worker.mjs'), { workerData: upload });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
