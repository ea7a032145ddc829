/**
 * Uploads one body many times at once, in a thread of its own: the process that measures the streams
 * beside it must not be the one that is busy sending.
 */
import { request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

const { url, apiKey, body, count } = workerData;

function upload() {
  return new Promise((resolve) => {
    const upload = request(url, {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        'content-length': body.length,
      },
    });
    upload.on('response', (response) => {
      response.resume();
      response.on('close', () => {
        const { 'retry-after': retryAfter = null } = response.headers;
        resolve({ status: response.statusCode, retryAfter });
        upload.destroy();
      });
    });
    upload.on('error', () => resolve({ status: 0, retryAfter: null }));
    upload.end(body);
  });
}

parentPort.postMessage(await Promise.all(Array.from({ length: count }, upload)));
